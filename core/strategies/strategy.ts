/** What a strategy is told and what it answers: desired quotes. Orders, risk and ledger are the machine's own. */
import type { BookFrame } from '../market/book.ts';
import type { ReasonCode } from '../bot/reasons.ts';

/** What the strategy may look at; one object, reused for every tick. */
export interface StrategyView {
  readonly book: BookFrame;
  atMs: number;
  /** Signed lots held. */
  positionLots: number;
}

/** What should rest in the book; zero lots means no quote on that side. One object, reused. */
export interface DesiredQuotes {
  bidTicks: number;
  bidLots: number;
  askTicks: number;
  askLots: number;
}

export interface Strategy {
  readonly name: string;
  /** Fills `desired` and says why. Must not allocate. */
  onBook(view: StrategyView, desired: DesiredQuotes): ReasonCode;
  /** How far, in ticks, a resting price may lie from the desired one at mid `midTicks` and still be kept. */
  requoteTicks(midTicks: number): number;
  readonly requoteMsMin: number;
}

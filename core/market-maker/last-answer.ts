/**
 * The last answer, for as long as it holds: most books change nothing but what lies behind the best prices, and then the
 * answer to the one before is the answer still. Whatever else an answer rests on (regime, spread, warmth) changes with a
 * start, a bar or a judgement of the market, and each of these forgets it.
 */
import { Reason, type ReasonCode } from '../bot/reasons.ts';
import type { DesiredQuotes, StrategyView } from '../strategies/strategy.ts';

/** What of a view an answer rests on, beside the best prices; time and funding come in with a calculation only. */
type Basis = Omit<StrategyView, 'book' | 'atMs' | 'fundingRate' | 'fundingIntervalMs'>;

export class LastAnswer implements Basis {
  reason: ReasonCode = Reason.none;
  midTicks = 0;
  positionLots = 0;
  isReducing = false;
  closableByBidsLots = 0;
  closableByAsksLots = 0;
  private bestBidTicks = 0;
  private bestAskTicks = 0;
  /** Where it is written; null while nothing holds. */
  private desired: DesiredQuotes | null = null;

  /** Hot. Whether `desired` still says what belongs to `view`. */
  holdsFor(view: StrategyView, desired: DesiredQuotes): boolean {
    return (
      desired === this.desired &&
      view.book.bidTicks[0] === this.bestBidTicks &&
      view.book.askTicks[0] === this.bestAskTicks &&
      view.midTicks === this.midTicks &&
      view.positionLots === this.positionLots &&
      view.isReducing === this.isReducing &&
      view.closableByBidsLots === this.closableByBidsLots &&
      view.closableByAsksLots === this.closableByAsksLots
    );
  }

  keep(view: StrategyView, desired: DesiredQuotes, reason: ReasonCode): void {
    this.reason = reason;
    this.midTicks = view.midTicks;
    this.positionLots = view.positionLots;
    this.isReducing = view.isReducing;
    this.closableByBidsLots = view.closableByBidsLots;
    this.closableByAsksLots = view.closableByAsksLots;
    this.bestBidTicks = view.book.bidTicks[0] as number;
    this.bestAskTicks = view.book.askTicks[0] as number;
    this.desired = desired;
  }

  forget(): void {
    this.desired = null;
  }
}

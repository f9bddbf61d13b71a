/**
 * Where quotes lie: half of the floor or more from the mid on each side, leaning away from the inventory. A side leans
 * towards the market only where it makes the position smaller, and then the other side leans away from it by as much: so
 * nothing is opened for less than it is worth, and the best quotes are never closer together than the floor.
 */
import type { BookFrame } from '../market/book.ts';
import type { DesiredQuotes } from '../strategies/strategy.ts';
import type { QuoteTerms } from './memory.ts';
import type { SizeParams } from './params.ts';
import { REGIMES, type RegimeSpec } from './regime.ts';

const BPS = 1e-4;

export class QuotePricer {
  /** From the mid to the nearest quote of a side, bps, as `measure` last found them; negative is beyond the mid. */
  bidDistanceBps = 0;
  askDistanceBps = 0;
  private readonly params: SizeParams;
  /** One quote over the largest position. */
  private readonly quoteRatio: number;

  constructor(params: SizeParams) {
    this.params = params;
    this.quoteRatio = Number(params.orderQuote) / Number(params.inventoryQuoteMax);
  }

  /** `fullness`: position less its target over the largest, `heldRatio`: position over it. A shock that is only suspected widens, too. */
  measure(terms: QuoteTerms, spec: RegimeSpec, isShockPending: boolean, fullness: number, heldRatio: number): void {
    const spreadFactor = isShockPending
      ? Math.max(spec.spreadFactor, REGIMES.high_volatility_shock.spreadFactor)
      : spec.spreadFactor;
    const leanBps = this.params.skewBps * fullness;
    // Less than one quote is held: for a target that is far away the rest of it would open another position below its worth.
    const isQuoteHeld = Math.abs(heldRatio) >= this.quoteRatio;
    const towardsBps = isQuoteHeld
      ? Math.abs(leanBps)
      : Math.min(Math.abs(leanBps), this.params.skewBps * Math.abs(heldRatio));
    this.bidDistanceBps = terms.bidHalfBps * Math.max(1, spreadFactor * spec.bidDistanceFactor);
    this.askDistanceBps = terms.askHalfBps * Math.max(1, spreadFactor * spec.askDistanceFactor);
    if (leanBps > 0) this.bidDistanceBps += leanBps;
    else if (heldRatio < 0) this.bidDistanceBps -= towardsBps;
    if (leanBps < 0) this.askDistanceBps -= leanBps;
    else if (heldRatio > 0) this.askDistanceBps -= towardsBps;
  }

  /** Writes the prices of the levels that may be quoted: rounded away from the mid, a tick apart at least, and never ones that take. */
  price(book: BookFrame, midTicks: number, quotes: DesiredQuotes): void {
    const { bidTicks, askTicks } = quotes;
    const ticksPerBps = midTicks * BPS;
    const { levels, levelSpacingBps } = this.params;
    const spacing = levelSpacingBps * ticksPerBps;
    const bid = midTicks - this.bidDistanceBps * ticksPerBps;
    const ask = midTicks + this.askDistanceBps * ticksPerBps;
    let bidMax = (book.askTicks[0] as number) - 1;
    let askMin = (book.bidTicks[0] as number) + 1;
    for (let level = 0; level < levels; level += 1) {
      const bidLevel = Math.min(Math.floor(bid - level * spacing), bidMax);
      const askLevel = Math.max(Math.ceil(ask + level * spacing), askMin);
      bidTicks[level] = bidLevel;
      askTicks[level] = askLevel;
      bidMax = bidLevel - 1;
      askMin = askLevel + 1;
    }
  }
}

/** Hears everything that a venue tells, in order, and waits for what is still to come. */
import type { PriceTicks, QtyLots } from '../../../core/money/money.ts';
import type { VenueSink } from '../../../gateway/venue.ts';

export interface HeardBook {
  readonly venueAtMs: number;
  readonly bid: PriceTicks;
  readonly ask: PriceTicks;
  readonly askLots: QtyLots;
  readonly isOrdered: boolean;
}

interface Named {
  book: HeardBook;
  trade: Parameters<VenueSink['onTrade']>[0];
  ticker: Parameters<VenueSink['onTicker']>[0];
  funding: Parameters<VenueSink['onFunding']>[0];
  order: Parameters<VenueSink['onOrder']>[0];
  fill: Parameters<VenueSink['onFill']>[0];
  position: Parameters<VenueSink['onPosition']>[0];
  connector: { channel: string; status: 'up' | 'down'; reason: string };
}
type Kind = keyof Named;
export type Heard = { [K in Kind]: { kind: K; value: Named[K] } }[Kind];

export class Listener {
  readonly heard: Heard[] = [];
  private readonly waiting = new Set<() => void>();

  readonly sink: VenueSink = {
    onBook: ({ venueAtMs, bidCount, askCount, bidTicks, askTicks, askLots }) => {
      const isOrdered = isFalling(bidTicks, bidCount) && isFalling(askTicks.map((tick) => -tick), askCount); // prettier-ignore
      const top = { bid: bidTicks[0] as PriceTicks, ask: askTicks[0] as PriceTicks, askLots: askLots[0] as QtyLots };
      this.hear({ kind: 'book', value: { venueAtMs, ...top, isOrdered } });
    },
    onTrade: (value) => this.hear({ kind: 'trade', value }),
    onTicker: (value) => this.hear({ kind: 'ticker', value }),
    onFunding: (value) => this.hear({ kind: 'funding', value }),
    onOrder: (value) => this.hear({ kind: 'order', value }),
    onFill: (value) => this.hear({ kind: 'fill', value }),
    onPosition: (value) => this.hear({ kind: 'position', value }),
    onConnector: (channel, status, reason) => this.hear({ kind: 'connector', value: { channel, status, reason } }),
  };

  /** Everything of one kind, from the `from`-th thing heard on. */
  all<K extends Kind>(kind: K, from = 0): Named[K][] {
    return this.heard.slice(from).flatMap((item) => (item.kind === kind ? [item.value as Named[K]] : []));
  }

  /** The first of its kind that fits, from `from` on; waits for it. */
  next<K extends Kind>(kind: K, fits: (value: Named[K]) => boolean = () => true, from = 0): Promise<Named[K]> {
    return new Promise((resolve) => {
      const check = (): void => {
        const found = this.all(kind, from).find(fits);
        if (found === undefined) return;
        this.waiting.delete(check);
        resolve(found);
      };
      this.waiting.add(check);
      check();
    });
  }

  /** The next one that is told from now on. */
  fresh<K extends Kind>(kind: K, fits: (value: Named[K]) => boolean = () => true): Promise<Named[K]> {
    return this.next(kind, fits, this.heard.length);
  }

  connector(channel: string, status: 'up' | 'down', from = 0): Promise<unknown> {
    return this.next('connector', (value) => value.channel === channel && value.status === status, from);
  }

  private hear(item: Heard): void {
    this.heard.push(item);
    for (const check of [...this.waiting]) check();
  }
}

function isFalling(ticks: Float64Array, count: number): boolean {
  return ticks.subarray(0, count).every((tick, index) => Number.isInteger(tick) && (index === 0 || tick < ticks[index - 1]!)); // prettier-ignore
}

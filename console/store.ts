/** What the console asks the event store: one picture of all bots, and one bot in detail. */
import type { z } from 'zod';
import type { Log } from '../core/log.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { StoredFill, StoredOrder } from '../ledger/reads.ts';
import { evidenceViews, WATCHED_KINDS, type EvidenceView } from './evidence.ts';
import { BotSnapshot, Timings } from './stored.ts';

export interface StoredBot {
  readonly snapshot: { readonly atMs: number; readonly event: BotSnapshot } | null;
  readonly timings: { readonly atMs: number; readonly event: Timings } | null;
  /** Bids from the highest, then asks from the lowest. */
  readonly openOrders: readonly StoredOrder[];
  /** Newest first. */
  readonly fills: readonly StoredFill[];
  /** Of the whole store; null while there is none. */
  readonly fillTotal: { readonly count: number; readonly lastAtMs: number } | null;
}

export interface CurvePoint {
  readonly atMs: number;
  readonly equity: string;
}

export interface BotDetail {
  readonly orders: readonly StoredOrder[];
  readonly fills: readonly StoredFill[];
  readonly equity: readonly CurvePoint[];
}

export type StoreLedger = Pick<Ledger, 'migrate' | 'reads'>;

const FILLS_SHOWN = 8;
const TOLD_MAX = 1_000;

interface Stored {
  readonly bot: string;
  readonly eventSequence: number;
  readonly atMs: number;
  readonly payload: unknown;
}

export class ConsoleStore {
  private readonly ledger: StoreLedger;
  private readonly log: Log;
  /** Events that were told to the log already: the same one is read again every second. */
  private readonly told = new Set<string>();

  constructor(ledger: StoreLedger, log: Log) {
    this.ledger = ledger;
    this.log = log;
  }

  /** Rejects while Postgres does not answer. Before the first event the picture is empty. */
  async readAll(bots: readonly string[]): Promise<ReadonlyMap<string, StoredBot>> {
    // The console may be the first to ask a new database.
    await this.ledger.migrate();
    const { reads } = this.ledger;
    const [snapshots, timings, orders, totals, ...fills] = await Promise.all([
      reads.latestSnapshots(),
      reads.latestTimings(),
      reads.openOrders(),
      reads.fillTotals(),
      ...bots.map((bot) => reads.recentFills({ bot, limit: FILLS_SHOWN })),
    ]);
    return new Map(
      bots.map((bot, index): [string, StoredBot] => {
        const isOfBot = (each: { readonly bot: string }): boolean => each.bot === bot;
        const total = totals.find(isOfBot);
        return [
          bot,
          {
            snapshot: this.latest(BotSnapshot, snapshots.find(isOfBot)),
            timings: this.latest(Timings, timings.find(isOfBot)),
            openOrders: orders.filter(isOfBot).sort(byBookPlace),
            fills: fills[index] ?? [],
            fillTotal: total === undefined ? null : { count: total.count, lastAtMs: total.lastFillAtMs },
          },
        ];
      }),
    );
  }

  async readBot(bot: string, { sinceMs, points }: { sinceMs: number; points: number }): Promise<BotDetail> {
    await this.ledger.migrate();
    const { reads } = this.ledger;
    const [orders, fills, equity] = await Promise.all([
      reads.recentOrders({ bot, limit: 100 }),
      reads.recentFills({ bot, limit: 100 }),
      reads.equityCurve({ bot, sinceMs, points }),
    ]);
    return { orders, fills, equity };
  }

  async readEvidence(desk: string): Promise<readonly EvidenceView[]> {
    await this.ledger.migrate();
    return evidenceViews(await this.ledger.reads.latestEvidence({ subject: desk, kinds: WATCHED_KINDS }));
  }

  async readCurve(bot: string, sinceMs: number, points: number): Promise<readonly CurvePoint[]> {
    await this.ledger.migrate();
    return this.ledger.reads.equityCurve({ bot, sinceMs, points });
  }

  private latest<T>(schema: z.ZodType<T>, stored: Stored | undefined): { atMs: number; event: T } | null {
    if (stored === undefined) return null;
    const event = this.parse(schema, stored);
    return event === null ? null : { atMs: stored.atMs, event };
  }

  /** A page shows what it can read; what it cannot is told to the log. */
  private parse<T>(schema: z.ZodType<T>, { bot, eventSequence, payload }: Stored): T | null {
    const parsed = schema.safeParse(payload);
    if (parsed.success) return parsed.data;
    const key = `${bot} ${eventSequence}`;
    if (!this.told.has(key))
      this.log.warn('stored event not shown', { bot, eventSequence, error: parsed.error.message });
    if (this.told.size >= TOLD_MAX) this.told.clear();
    this.told.add(key);
    return null;
  }
}

function byBookPlace(a: StoredOrder, b: StoredOrder): number {
  if (a.side !== b.side) return a.side === 'buy' ? -1 : 1;
  return a.side === 'buy' ? Number(b.price) - Number(a.price) : Number(a.price) - Number(b.price);
}

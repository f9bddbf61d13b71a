/** What the bots of this host heard of their markets, read out of their journals. */
import { z } from 'zod';
import {
  listeningOf,
  type BotListening,
  type FreshnessFacts,
  type ToldBefore,
} from '../core/gates/freshness/listening.ts';
import { JournalDamaged } from '../journal/errors.ts';
import type { EvidenceStore } from '../ledger/evidence/store.ts';
import type { StreamReports, StreamReportsWanted } from '../journal/stream-reports.ts';

/** A check that comes late looks back no further: what lies before it is a hole between the ranges, and no evidence. */
const RANGE_MS_MAX = 1_800_000;
/** What the first check looks at. */
const FIRST_RANGE_MS = 300_000;

export interface FreshnessBefore {
  /** Null before the first. */
  toMs: number | null;
  known: { source: string; sequence: number }[];
  told: ToldBefore[];
}

export interface MeasuredFreshness extends FreshnessFacts {
  /** Events of each bot that were looked at, in the order of their names. */
  sources: { source: string; fromSequence: number; toSequence: number }[];
}

export interface HostBot {
  readonly bot: string;
  readonly symbol: string;
  readonly isEnabled: boolean;
}

export interface MarketDataActivityDeps {
  /** Bots whose journals lie on this host, in the order of their names. */
  readonly bots: () => readonly HostBot[];
  readonly read: (bot: string, wanted: StreamReportsWanted) => Promise<StreamReports>;
  readonly evidence: Pick<EvidenceStore, 'list'>;
  /** A bot tells what it heard every 15 s: for so long it is waited for, and after it nobody listens. */
  readonly waitMs: number;
}

/** What the next check needs of a record; one that has none of it is begun anew after. */
const Payload = z.object({
  bots: z.array(
    z.object({
      bot: z.string(),
      symbol: z.string(),
      toldToMs: z.int().nullable(),
      state: z.enum(['listening', 'left', 'lost', 'untold', 'unreadable', 'disabled']),
    }),
  ),
});

export type MarketDataActivities = ReturnType<typeof createMarketDataActivities>;

export function createMarketDataActivities(deps: MarketDataActivityDeps) {
  const { bots, read, evidence } = deps;

  /** A journal that is damaged says nothing of its bot, and nothing against the others'. */
  async function readable(bot: string, wanted: StreamReportsWanted) {
    const { afterEventSequence } = wanted;
    try {
      return await read(bot, wanted);
    } catch (error) {
      if (!(error instanceof JournalDamaged)) throw error;
      return { told: null, fromSequence: afterEventSequence + 1, toSequence: afterEventSequence };
    }
  }

  return {
    /** Where the check before this one ended. Read-only. */
    async freshnessBefore({ subject }: { subject: string }): Promise<FreshnessBefore> {
      const [last] = await evidence.list({ kind: 'market_data_freshness', subject, limit: 1 });
      if (last === undefined) return { toMs: null, known: [], told: [] };
      return {
        toMs: last.range.toMs,
        known: last.range.sources.map(({ source, toSequence }) => ({ source, sequence: toSequence })),
        told: (Payload.safeParse(last.payload).data?.bots ?? []).flatMap(({ bot, symbol, toldToMs, state }) =>
          toldToMs === null || state === 'disabled' ? [] : [{ bot, symbol, toldToMs, state }],
        ),
      };
    },

    /** `atMs` is workflow time. Read-only. */
    async measureFreshness({ before, atMs }: { before: FreshnessBefore; atMs: number }): Promise<MeasuredFreshness> {
      const { toMs } = before;
      const isFollowing = toMs !== null && toMs <= atMs && atMs - toMs <= RANGE_MS_MAX;
      const sinceMs = isFollowing ? toMs : atMs - (toMs === null ? FIRST_RANGE_MS : RANGE_MS_MAX);
      const sequenceOf = new Map(before.known.map(({ source, sequence }) => [source, sequence]));
      const measured = await Promise.all(
        bots().map(async (bot): Promise<{ listening: BotListening; source: MeasuredFreshness['sources'][number] }> => {
          const afterEventSequence = isFollowing ? (sequenceOf.get(bot.bot) ?? 0) : 0;
          const { told, fromSequence, toSequence } = await readable(bot.bot, {
            afterEventSequence,
            sinceMs,
            untilMs: atMs,
            waitMs: bot.isEnabled ? deps.waitMs : 0,
          });
          const last = before.told.find((one) => one.bot === bot.bot) ?? null;
          return {
            listening: listeningOf(bot, isFollowing ? last : null, told),
            source: { source: bot.bot, fromSequence, toSequence },
          };
        }),
      );
      const listenings = measured.map(({ listening }) => listening);
      const beganAtMs = Math.min(...listenings.map(({ spans }) => spans[0]?.fromMs ?? atMs), atMs);
      return {
        // Before the first check nobody asked for evidence of the time before the desk was there.
        fromMs: toMs === null ? Math.max(sinceMs, beganAtMs) : sinceMs,
        atMs,
        bots: listenings,
        sources: measured.map(({ source }) => source),
      };
    },
  };
}

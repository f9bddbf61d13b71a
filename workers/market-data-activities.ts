/** The activities that look at what this host's bots hear, made of their journals and the evidence chain. */
import { createMarketDataActivities, type MarketDataActivities } from '../activities/market-data.ts';
import { botJournalDir, type DeskHome } from '../config/home.ts';
import type { LoadedConfig } from '../config/load.ts';
import { STREAMS_TOLD_MS } from '../core/market/streams.ts';
import { StreamReportReader } from '../journal/stream-reports.ts';
import type { EvidenceStore } from '../ledger/evidence/store.ts';

/** Beyond the time of a report: it has to reach the disk. */
const LATE_MS = 5_000;

export function localMarketData(
  home: DeskHome,
  config: LoadedConfig,
  evidence: Pick<EvidenceStore, 'list'>,
): MarketDataActivities {
  const reader = new StreamReportReader();
  const bots = [...config.bots.values()]
    .map(({ bot, symbol, mode }) => ({ bot, symbol, isEnabled: mode !== 'disabled' }))
    .sort((a, b) => (a.bot < b.bot ? -1 : 1));
  return createMarketDataActivities({
    bots: () => bots,
    read: (bot, wanted) => reader.read(botJournalDir(home, bot), wanted),
    evidence,
    waitMs: STREAMS_TOLD_MS + LATE_MS,
  });
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_LATENCY } from '../../../core/fill-model/latency.ts';
import { SILENT } from '../../../core/log.ts';
import { createPaperVenue } from '../../../gateway/paper/venue.ts';
import { createRecordedMarket } from '../../../gateway/recorded/market.ts';
import { InterruptibleMarket } from './interruptible-market.ts';
import { PAPER_CAPABILITIES } from './paper-capabilities.ts';
import { DATA_DIR, loadOnce, recordedMarkets } from './recordings.ts';
import { describeVenue } from './suite.ts';

describeVenue(
  'paper over a recorded market',
  async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'paper-test-'));
    const assumedFunding = { rate: '0.0001', intervalHours: 8 };
    const market = new InterruptibleMarket(
      createRecordedMarket({
        dataDir: DATA_DIR,
        markets: recordedMarkets('BTCUSDT'),
        speed: 5,
        load: loadOnce,
        assumedFunding,
      }),
    );
    const venue = createPaperVenue({
      market,
      account: 'bot1',
      openingBalance: '100000',
      grade: 'queue',
      latency: { ...NO_LATENCY, submitMs: 5, cancelMs: 5 },
      stateDir,
      log: SILENT,
    });
    return {
      venue,
      symbol: 'BTCUSDT',
      hasHistory: false,
      interrupt: async () => market.interrupt(),
      restore: async () => market.restore(),
      release: async () => rmSync(stateDir, { recursive: true, force: true }),
    };
  },
  PAPER_CAPABILITIES,
);

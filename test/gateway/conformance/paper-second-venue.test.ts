import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { SILENT } from '../../../core/log.ts';
import { createHttpClient } from '../../../gateway/http.ts';
import { BYBIT } from '../../../gateway/ccxt/bybit.ts';
import { createUnifiedMarket } from '../../../gateway/ccxt/market.ts';
import { createPaperVenue } from '../../../gateway/paper/venue.ts';
import { startBybitServer } from '../bybit-server.ts';
import { RecordingAgent, recordHttp } from '../recording-agent.ts';
import { PAPER_CAPABILITIES } from './paper-capabilities.ts';
import { describeVenue } from './suite.ts';

const reached: string[] = [];

describeVenue(
  'paper over the second venue',
  async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'paper-test-'));
    const server = await startBybitServer('BTCUSDT', 5);
    const http = recordHttp(createHttpClient(server.httpUrl, 5_000));
    const agent = new RecordingAgent();
    const profile = { ...BYBIT, httpOrigin: server.httpUrl, wsOrigin: server.wsUrl };
    const market = await createUnifiedMarket({ profile, http, agent, log: SILENT, random: () => 0 });
    const venue = createPaperVenue({
      market,
      account: 'bot1',
      openingBalance: '100000',
      grade: 'queue',
      stateDir,
      log: SILENT,
    });
    return {
      venue,
      symbol: 'BTCUSDT',
      hasHistory: true,
      interrupt: async () => server.interrupt(),
      restore: async () => server.restore(),
      async release() {
        reached.push(...http.urls.map((url) => new URL(url).hostname), ...agent.dialled);
        await server.close();
        rmSync(stateDir, { recursive: true, force: true });
      },
    };
  },
  PAPER_CAPABILITIES,
);

test('nobody but this machine was spoken to', () => {
  expect(reached.length).toBeGreaterThan(5);
  expect(new Set(reached)).toEqual(new Set(['127.0.0.1']));
});

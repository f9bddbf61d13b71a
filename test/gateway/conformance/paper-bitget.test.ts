import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { SILENT } from '../../../core/log.ts';
import { createBitgetMarket } from '../../../gateway/bitget/market.ts';
import { createPaperVenue } from '../../../gateway/paper/venue.ts';
import { startSimulator, type RunningSimulator } from '../../../simulator/server.ts';
import { simulatorOptions } from '../../simulator/harness.ts';
import { PAPER_CAPABILITIES } from './paper-capabilities.ts';
import { describeVenue } from './suite.ts';

interface Asked {
  readonly path: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}
const asked: Asked[] = [];

/** Hands every request on, and notes what it carried. */
async function startEar(target: () => number): Promise<{ url: string; close(): void }> {
  const server = createServer(({ method, url = '', headers }, response) => {
    asked.push({ path: url.split('?')[0] ?? '', headers });
    const onward = request({ host: '127.0.0.1', port: target(), path: url, method, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
    });
    onward.once('error', () => response.destroy());
    onward.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}

describeVenue(
  "paper over Bitget's public market",
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'paper-test-'));
    // No account at all: what needs a key is refused.
    const start = (port: number): Promise<RunningSimulator> =>
      startSimulator(simulatorOptions(join(dir, 'simulator'), { port, accounts: [], speed: 5 }));
    let simulator = await start(0);
    const { port } = simulator;
    const ear = await startEar(() => port);
    const endpoint = { kind: 'simulator', httpUrl: ear.url, wsUrl: `ws://127.0.0.1:${port}` } as const;
    const market = await createBitgetMarket({ endpoint, log: SILENT, random: () => 0 });
    const stateDir = join(dir, 'paper');
    const venue = createPaperVenue({ market, account: 'bot1', openingBalance: '100000', grade: 'queue', stateDir, log: SILENT }); // prettier-ignore
    return {
      venue,
      symbol: 'BTCUSDT',
      hasHistory: true,
      interrupt: async () => simulator.stop(),
      async restore() {
        simulator = await start(port);
      },
      async release() {
        ear.close();
        await simulator.stop();
        rmSync(dir, { recursive: true, force: true });
      },
    };
  },
  PAPER_CAPABILITIES,
);

test('nothing private was asked, and nothing was signed', () => {
  expect(asked.length).toBeGreaterThan(5);
  const market = ['candles', 'contracts', 'current-fund-rate', 'ticker'].map((name) => `/api/v2/mix/market/${name}`);
  expect(new Set(asked.map(({ path }) => path))).toEqual(new Set([...market, '/api/v2/public/time']));
  const headers = asked.flatMap((request) => Object.keys(request.headers));
  expect(headers.filter((name) => /^access-/i.test(name))).toEqual([]);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT } from '../../../core/log.ts';
import { SimulatedAccount } from '../../../core/simulation/options.ts';
import { createBitgetVenue } from '../../../gateway/bitget/venue.ts';
import type { VenueCapabilities } from '../../../gateway/venue.ts';
import { startSimulator, type RunningSimulator } from '../../../simulator/server.ts';
import { BOT1, simulatorOptions } from '../../simulator/harness.ts';
import { describeVenue } from './suite.ts';

const CLASSIC: VenueCapabilities = {
  amend: true,
  families: ['normal', 'plan', 'tpsl'],
  stopReplacement: 'in_place',
  positionModes: ['one_way', 'hedge'],
  marginModes: ['crossed', 'isolated'],
  bookIntegrity: ['sequence', 'checksum'],
  fundingHistory: true,
  countdownCancel: false,
  isRealExecution: true,
};

/** A unified account changes orders and margin modes in ways that the desk does not use. */
const UNIFIED: VenueCapabilities = { ...CLASSIC, amend: false, marginModes: ['crossed'], bookIntegrity: ['sequence'] };

for (const kind of ['classic', 'unified'] as const) {
  describeVenue(
    `Bitget, ${kind} account, over the simulator`,
    async () => {
      const stateDir = mkdtempSync(join(tmpdir(), 'conformance-'));
      const accounts = [SimulatedAccount.parse({ ...BOT1, balance: '100000', kind })];
      const start = (port: number): Promise<RunningSimulator> =>
        startSimulator(simulatorOptions(stateDir, { port, accounts, speed: 5 }));
      let simulator = await start(0);
      const { port } = simulator;
      const endpoint = { kind: 'simulator', httpUrl: `http://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${port}` } as const; // prettier-ignore
      const { apiKey, secret, passphrase } = BOT1;
      const keys = { apiKey, secret, passphrase };
      const venue = await createBitgetVenue({ endpoint, keys, log: SILENT, random: () => 0 });
      return {
        venue,
        symbol: 'BTCUSDT',
        hasHistory: true,
        interrupt: async () => simulator.stop(),
        async restore() {
          simulator = await start(port);
        },
        async release() {
          await simulator.stop();
          rmSync(stateDir, { recursive: true, force: true });
        },
      };
    },
    kind === 'classic' ? CLASSIC : UNIFIED,
  );
}

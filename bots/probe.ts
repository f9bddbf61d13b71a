/**
 * `node dist/bots/probe.js <options.json>`: asks what an account and its key are good for and prints the answer as one line
 * of JSON, without a secret in it. Changes nothing. Exit codes: 0 answered, 1 failed, 2 wrong options.
 */
import { join } from 'node:path';
import { deskHome } from '../config/home.ts';
import { probeAccount } from '../gateway/bitget/account-probe.ts';
import { BITGET_LIMITS } from '../gateway/bitget/limits.ts';
import { openSharedBudget } from '../gateway/rates/shared-budget.ts';
import { createFileLog } from '../monitoring/log.ts';
import { createClock } from './clock.ts';
import { OptionsWrong, ProbeOptions, readKeys, readOptions } from './options.ts';

async function main(): Promise<void> {
  const { account, home, symbol, endpoint, rateSocket } = readOptions(process.argv[2], ProbeOptions);
  const desk = deskHome(home);
  const keys = readKeys(desk, account);
  // Its output is the answer alone.
  const log = createFileLog(`probe-${account}`, join(desk.logsDir, `probe-${account}.log`));
  const now = createClock();
  const budget = openSharedBudget({
    account,
    client: 'probe',
    socketPath: rateSocket,
    share: { index: 0, of: 1 },
    limits: BITGET_LIMITS,
    now,
    log,
  });
  const probe = await probeAccount({ endpoint, keys, log, symbol, now, budget });
  console.log(JSON.stringify({ account, endpoint: endpoint.kind, ...probe }));
  process.exit(0);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(error instanceof OptionsWrong ? 2 : 1);
});

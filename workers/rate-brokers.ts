/**
 * The rate brokers of this machine: one for each account, all in the one worker that holds the lock, since the accounts
 * share the machine's address. Another worker waits and takes over when that one is gone.
 */
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { rateLockFile, rateSocket, type DeskHome } from '../config/home.ts';
import type { LoadedConfig } from '../config/load.ts';
import { AddressAllowance } from '../core/rates/allowance.ts';
import { planTurns } from '../core/rates/turns.ts';
import type { Log } from '../core/log.ts';
import { BITGET_LIMITS } from '../gateway/bitget/limits.ts';
import { startRateBroker, type RateBroker } from '../gateway/rates/rate-broker.ts';
import { tryLock } from '../stack/lock-file.ts';

const TAKEOVER_EVERY_MS = 500;
const COUNTERS_EVERY_MS = 60_000;

export interface RateBrokersOptions {
  readonly home: DeskHome;
  readonly config: LoadedConfig;
  readonly log: Log;
}

/** Never rejects: without a broker the bots go on in turns of their own. */
export function startRateBrokers({ home, config, log }: RateBrokersOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const brokers = new Map<string, RateBroker>();
  let release: (() => void) | null = null;

  async function begin(): Promise<void> {
    mkdirSync(home.runDir, { recursive: true });
    const bots = [...config.bots.values()];
    const address = new AddressAllowance(BITGET_LIMITS.overallPerSecond, planTurns(bots, BITGET_LIMITS));
    for (const account of new Set(bots.map((bot) => bot.account))) {
      const options = { account, socketPath: rateSocket(home, account), limits: BITGET_LIMITS, address, log };
      brokers.set(account, await startRateBroker(options));
    }
    log.info('rate brokers listen', { accounts: [...brokers.keys()] });
  }

  async function hold(): Promise<void> {
    for (let isFirst = true; release === null; isFirst = false) {
      const attempt = tryLock(rateLockFile(home));
      if (attempt.taken) release = attempt.release;
      else {
        if (isFirst) log.info('rate brokers run in another worker', { pid: attempt.by.pid });
        await sleep(TAKEOVER_EVERY_MS, undefined, { signal: stopping.signal });
      }
    }
    await begin();
    for (;;) {
      await sleep(COUNTERS_EVERY_MS, undefined, { signal: stopping.signal });
      for (const [account, broker] of brokers) log.info('rate broker', { account, ...broker.counters() });
    }
  }

  const holding = hold().catch((error: unknown) => {
    if (!stopping.signal.aborted)
      log.error('rate brokers failed: bots go on in turns of their own', { error: String(error) });
  });
  return {
    async stop() {
      stopping.abort();
      await holding;
      await Promise.all([...brokers.values()].map((broker) => broker.close()));
      release?.();
    },
  };
}

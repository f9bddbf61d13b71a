/** The schedules, applied beside a desk worker when it starts. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { ConfigError, loadConfig } from '../config/load.ts';
import { loadSchedules } from '../config/schedules.ts';
import type { Log } from '../core/log.ts';
import { applySchedules } from '../stack/schedules.ts';
import { WORKFLOW_INPUTS } from '../workflows/inputs.ts';

const APPLY_MS = 10_000;
const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MAX = 30_000;

/**
 * Tries until the server has taken them. A faulty file, which `desk up` refuses before anything starts, leaves the schedules
 * as they are: bots and kill switch need this worker more than they need a schedule.
 */
export function bringSchedules(client: Client, configDir: string, log: Log): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const bring = async (): Promise<void> => {
    for (let delayMs = RETRY_MS_FIRST; !signal.aborted; delayMs = Math.min(2 * delayMs, RETRY_MS_MAX)) {
      try {
        const { desk } = loadConfig(configDir);
        const declared = loadSchedules(configDir, WORKFLOW_INPUTS);
        const steps = await client.withDeadline(Date.now() + APPLY_MS, () => applySchedules(client, desk, declared));
        log.info('schedules applied', { steps });
        return;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        log.error('schedules not applied', { error: message });
        if (error instanceof ConfigError) return;
        await sleep(delayMs, undefined, { signal }).catch(() => {});
      }
    }
  };
  const brought = bring();
  return {
    async stop() {
      stopping.abort();
      await brought;
    },
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { recoveryDir } from '../config/home.ts';
import { writeSnapshot } from '../ledger/recovery-snapshots.ts';
import { runningDesk } from '../stack/desk-lock.ts';
import { goneWithin } from '../stack/process.ts';
import { stopLeftBehind } from '../stack/stack.ts';
import type { Context } from './context.ts';
import { databaseUrl } from './database-url.ts';
import { takeSnapshot } from './recover/snapshot.ts';
import { step } from './steps.ts';
import { createFileLog } from '../monitoring/log.ts';
import { join } from 'node:path';

/** The desk promises 10 s; a slow disk gets some more before the hard way. */
const DOWN_MS = 20_000;

/** A lower bound for what the next start finds. A busy store must not keep the desk from ending. */
const NOTE_MS = 2_000;

/** Ends the desk of this `DESK_HOME`; of one whose supervisor was killed, every process that it left. */
export async function down(context: Context): Promise<number> {
  const desk = runningDesk(context.home);
  if (desk !== null) {
    await noteBefore(context);
    const isGone = await step('ending the desk', async () => {
      process.kill(desk.pid, 'SIGTERM');
      return goneWithin(desk, DOWN_MS);
    });
    if (!isGone) {
      console.error(
        `the supervisor (pid ${desk.pid}) did not end within ${DOWN_MS / 1_000} s; ending it and what it leaves`,
      );
      process.kill(desk.pid, 'SIGKILL');
      await sleep(200);
    }
  }
  const left = await stopLeftBehind({
    home: context.home,
    log: createFileLog('desk', join(context.home.logsDir, 'desk.log')),
  });
  if (desk === null && left === 0) console.log(`no desk is running (state in ${context.home.root})`);
  else
    console.log(
      left === 0
        ? 'the desk has ended'
        : `the desk has ended; ${left} process${left === 1 ? '' : 'es'} left behind by a killed supervisor ended, too`,
    );
  return 0;
}

/** Best effort: a desk that cannot say what it knows still has to end. */
async function noteBefore(context: Context): Promise<void> {
  const log = createFileLog('desk', join(context.home.logsDir, 'desk.log'));
  const options = { label: 'pre_restart', databaseUrl: databaseUrl(context), checks: null } as const;
  try {
    const taken = await Promise.race([takeSnapshot(context, options), sleep(NOTE_MS, null, { ref: false })]);
    if (taken === null) log.warn('no restart snapshot: it took too long', { allowedMs: NOTE_MS });
    else writeSnapshot(recoveryDir(context.home), taken);
  } catch (error) {
    log.warn('no restart snapshot', { error: error instanceof Error ? error.message : String(error) });
  }
}

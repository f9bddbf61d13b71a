/** What reached the event store, beside what stands in the journals. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { botJournalDir, botRunFile } from '../../config/home.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { isTrouble } from '../../core/bot/reasons.ts';
import { SILENT } from '../../core/log.ts';
import { createLedger, type Ledger } from '../../ledger/ledger.ts';
import type { Context } from '../context.ts';
import { databaseUrl } from '../database-url.ts';
import { bad, note, ok, type Finding } from './finding.ts';

const TELEMETRY_AGE_MS_MAX = 15_000;
/** Events that may be on their way into the store at any moment. */
const LAG_EVENTS_MAX = 200;
const BotSnapshotReason = z.looseObject({ reason: z.string() });

export async function eventStore(context: Context, config: LoadedConfig): Promise<Finding[]> {
  return withLedger(context, (ledger) => stored(ledger, config, context));
}

async function withLedger(context: Context, look: (ledger: Ledger) => Promise<Finding[]>): Promise<Finding[]> {
  const url = databaseUrl(context);
  if (url === null) return [bad('no database is known', './desk up')];
  const ledger = createLedger({
    databaseUrl: url,
    migrationsDir: join(context.root, 'ledger', 'migrations'),
    log: SILENT,
  });
  try {
    return await look(ledger);
  } finally {
    await ledger.close();
  }
}

async function stored({ reads }: Ledger, { bots }: LoadedConfig, { home }: Context): Promise<Finding[]> {
  const snapshots = new Map((await reads.latestSnapshots()).map((snapshot) => [snapshot.bot, snapshot]));
  const findings: Finding[] = [];
  for (const { bot, mode } of bots.values()) {
    if (mode === 'disabled') continue;
    const ageMs = Date.now() - (snapshots.get(bot)?.atMs ?? 0);
    const {
      sourceEventSequence: source,
      storedEvents: stored,
      missingEvents: missing,
    } = await reads.sourceVersusStored({
      bot,
      journalDir: botJournalDir(home, bot),
    });
    const snapshot = BotSnapshotReason.safeParse(snapshots.get(bot)?.payload);
    const reason = snapshot.success ? snapshot.data.reason : '';
    const told = `${bot}: ${stored} of ${source} events stored, last telemetry ${snapshots.has(bot) ? `${Math.round(ageMs / 1_000)} s ago` : 'never'}`;
    const isOld = ageMs > TELEMETRY_AGE_MS_MAX;
    const log = `DESK_HOME/logs/bot-${bot}.log`;
    // A bot that left in order has taken its run file along.
    if (isOld && !existsSync(botRunFile(home, bot))) findings.push(note(`${told}; it does not run`));
    else if (isOld) findings.push(bad(told, `see ${log} and bot-host.log`));
    else if (isTrouble(reason)) findings.push(bad(`${bot}: not quoting: ${reason.replaceAll('_', ' ')}`, `see ${log}`));
    else
      findings.push(
        missing <= LAG_EVENTS_MAX ? ok(told) : bad(told, 'the shipper is behind: see DESK_HOME/logs/bot-host.log'),
      );
  }
  return findings;
}

/**
 * A backup is made, read back, on some days brought to life in a server of its own, and written down. Only beside one that
 * passed do older ones go, and only where the policy has the schedules remove anything.
 */
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { DeskPhase } from '../desk-attributes.ts';
import { evidenceHands } from '../evidence-hands.ts';
import { began, housekeepingHands, judged, orFail } from '../housekeeping-hands.ts';
import { parseInput } from '../parse-input.ts';
import { carriedOut } from '../retention-evidence.ts';
import { DatabaseBackupInput, type DatabaseBackupResult } from './contract.ts';

export async function databaseBackup(raw: unknown): Promise<DatabaseBackupResult> {
  const { desk, host, restoreTest } = parseInput(DatabaseBackupInput, raw);
  began(desk, 'databaseBackup');
  const hands = housekeepingHands(host);
  const startMs = workflowInfo().startTime.getTime();
  const made = await orFail('no backup was made', () => hands.makeBackup({ atMs: startMs }));
  setCurrentDetails(`${made.markdown}\nIt is read back now.\n`);
  upsertSearchAttributes([{ key: DeskPhase, value: restoreTest ? 'restore_test' : 'reading_back' }]);
  const proved = await orFail(`the backup ${made.name} was made and could not be proved`, () =>
    hands.proveBackup({ name: made.name, restoreTest }),
  );
  const evidence = await evidenceHands(host).recordEvidence({
    kind: 'database_backup',
    subject: desk,
    range: { fromMs: made.startedAtMs, toMs: made.finishedAtMs, sources: proved.sources },
    rehearsal: [],
    payload: proved.payload,
    atMs: Date.now(),
    key: 'backup',
    markdown: proved.markdown,
  });
  const result = { pass: proved.ok, backup: made.name, kind: made.kind, bytes: made.bytes, evidence };
  if (!proved.ok || !proved.mayThinOut) {
    judged(proved.ok, proved.markdown, 'page');
    return { ...result, thinnedOut: null };
  }
  const reason = `as config/retention.yml says, beside the backup ${made.name}`;
  const { run } = await carriedOut(
    { desk, host, startMs, reason, orElse: `the backup ${made.name} is whole, and older ones were not thinned out` },
    () => hands.thinOutBackups({ reason }),
  );
  judged(run.refused === 0, `${proved.markdown}\nOlder backups: ${run.markdown}`);
  return { ...result, thinnedOut: { done: run.done, refused: run.refused, bytes: run.bytes } };
}

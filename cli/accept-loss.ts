/** `desk bot accept-loss`: a person accepts that part of a bot's journal is gone, so that the bot may go on behind it. */
import { existsSync } from 'node:fs';
import { botJournalDir, botSnapshotFile, recoveryDir, type DeskHome } from '../config/home.ts';
import type { ControlEvent } from '../core/bot/events.ts';
import { RecordKind } from '../core/events/record.ts';
import { SILENT } from '../core/log.ts';
import { knownBy, lastKnownRecord } from '../core/recovery/snapshot.ts';
import { JournalLocked } from '../journal/errors.ts';
import { openJournal } from '../journal/journal.ts';
import { snapshotSequence } from '../journal/recover-machine.ts';
import { readSnapshots } from '../ledger/recovery-snapshots.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';

/**
 * Keeps the whole part in front of the damage, marks the rest as lost, and records who accepted that as the first event
 * behind it. The damaged file stays beside the journal. Answers what was lost, for people.
 */
export async function acceptLoss(
  home: DeskHome,
  bot: string,
  { operator, reason }: { operator: string; reason: string },
): Promise<string> {
  const dir = botJournalDir(home, bot);
  if (!existsSync(dir)) throw new CommandFailure(EXIT.failure, `${bot} has no journal (${dir})`);
  // Records that a snapshot knew of may have been used, even where the journal has nothing left of them.
  const known = readSnapshots(recoveryDir(home)).snapshots.map(({ snapshot }) => knownBy(snapshot));
  const continueAbove = Math.max(lastKnownRecord(known, bot), snapshotSequence(botSnapshotFile(home, bot)));
  const { journal, recovery } = await openJournal({ dir, log: SILENT, acknowledgeDamage: true, continueAbove }).catch(
    (error: unknown) => {
      if (!(error instanceof JournalLocked)) throw error;
      throw new CommandFailure(
        EXIT.notAllowed,
        `${bot} runs on this journal: only the journal of a bot that has ended can be damaged for good`,
      );
    },
  );
  try {
    const { quarantined, lastSequence, lastEpoch } = recovery;
    if (quarantined === undefined) return `${bot}: nothing is damaged (last record ${lastSequence})`;
    const lost = `records ${quarantined.sequence} to ${lastSequence}`;
    const event: ControlEvent = {
      type: 'command',
      phase: 'stopped',
      reason,
      operator,
      detail: { command: 'acceptLoss', file: quarantined.file, lostFrom: quarantined.sequence, lostTo: lastSequence },
    };
    journal.append(RecordKind.controlEvent, lastEpoch, 0, Date.now(), JSON.stringify(event));
    await journal.durable();
    return `${bot}: ${lost} are given up (${quarantined.reason}); the damaged file stays in ${dir}`;
  } finally {
    await journal.close();
  }
}

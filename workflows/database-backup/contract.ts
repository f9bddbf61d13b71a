/** How the `databaseBackup` workflow is started. */
import { z } from 'zod';
import type { EvidenceHead } from '../../core/evidence/record.ts';
import { HostName } from '../../core/names.ts';
import type { RetentionCounts } from '../../core/retention/evidence.ts';

export const DatabaseBackupInput = z.strictObject({
  desk: HostName,
  /** Where the backup is made: the host with the files of the server, or with a `pg_dump`. */
  host: HostName,
  /** Also start a server over a copy and count what it has: reads and writes all of it once more. */
  restoreTest: z.boolean().default(false),
});
export type DatabaseBackupInput = z.infer<typeof DatabaseBackupInput>;
/** As a caller writes it, with defaults left out. */
export type DatabaseBackupStart = z.input<typeof DatabaseBackupInput>;

export interface DatabaseBackupResult {
  /** Every file is as it was made and, where a server was started over a copy, it had all that it should. */
  pass: boolean;
  backup: string;
  kind: 'physical' | 'dump';
  bytes: number;
  evidence: EvidenceHead;
  /** Older backups that the policy lets go; null where it only plans, or this backup did not pass. */
  thinnedOut: RetentionCounts | null;
}

export type DatabaseBackupWorkflow = (input: DatabaseBackupStart) => Promise<DatabaseBackupResult>;

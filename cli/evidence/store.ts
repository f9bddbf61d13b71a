/** The evidence store of the desk whose commands these are, and what its records say of the desk. */
import type { Pool } from 'pg';
import { evidenceHeadsFile } from '../../config/home.ts';
import { loadConfig } from '../../config/load.ts';
import type { EvidenceDraft } from '../../core/evidence/record.ts';
import { SILENT } from '../../core/log.ts';
import { createPool, type LedgerRole } from '../../ledger/connect.ts';
import { LedgerUnavailable } from '../../ledger/errors.ts';
import { deskIdentity } from '../../ledger/evidence/identity.ts';
import { createEvidenceStore, type EvidenceStore } from '../../ledger/evidence/store.ts';
import { codeVersion } from '../code-version.ts';
import type { Context } from '../context.ts';
import { databaseUrl } from '../database-url.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';

/** Unknown table, role or function: made by migrations that this database has not had. */
const NOT_MIGRATED = ['42P01', '22023', '42883'];

export async function withEvidence<T>(
  context: Context,
  role: LedgerRole,
  work: (store: EvidenceStore, pool: Pool) => Promise<T>,
): Promise<T> {
  const url = databaseUrl(context);
  if (url === null) throw new CommandFailure(EXIT.unhealthy, 'no database is known: ./desk up');
  const pool = createPool({ databaseUrl: url, role, connections: 1, log: SILENT });
  try {
    const headsFile = role === 'desk_writer' ? evidenceHeadsFile(context.home) : null;
    return await work(createEvidenceStore({ pool, headsFile, log: SILENT }), pool);
  } catch (error) {
    if (error instanceof LedgerUnavailable)
      throw new CommandFailure(EXIT.unhealthy, `${error.message}\n  → ./desk status`);
    if (error instanceof Error && 'code' in error && NOT_MIGRATED.includes(String(error.code)))
      throw new CommandFailure(EXIT.unhealthy, `the database has no evidence yet (${error.message})\n  → ./desk up`);
    throw error;
  } finally {
    await pool.end();
  }
}

export type DeskFacts = Pick<
  EvidenceDraft,
  'subject' | 'workflow' | 'venue' | 'account' | 'dataSource' | 'rehearsal' | 'codeVersion' | 'configHash'
>;

/** The desk as a whole, as its files and its code stand now. Throws `ConfigError`. */
export function deskFacts(context: Context): DeskFacts {
  const config = loadConfig(context.configDir);
  const identity = deskIdentity(config, codeVersion(context));
  return { subject: config.desk.desk, workflow: null, account: null, rehearsal: [], ...identity };
}

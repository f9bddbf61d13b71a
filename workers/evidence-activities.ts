/** The evidence activities of this host, made of its journals, the event store and the venue's clock. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createEvidenceActivities, type EvidenceActivities } from '../activities/evidence.ts';
import { botJournalDir, evidenceHeadsFile, type DeskHome } from '../config/home.ts';
import type { LoadedConfig } from '../config/load.ts';
import { readScenario } from '../config/rehearsals.ts';
import type { Log } from '../core/log.ts';
import { readVenueTime } from '../gateway/bitget/venue-time.ts';
import type { BitgetEndpoint } from '../gateway/bitget/session.ts';
import { createPool } from '../ledger/connect.ts';
import { deskIdentity } from '../ledger/evidence/identity.ts';
import { createEvidenceStore, type EvidenceStore } from '../ledger/evidence/store.ts';
import { measureSource } from '../ledger/integrity.ts';
import { writeReport } from '../ledger/report-files.ts';
import type { DeskEnvironment } from './environment.ts';

export interface EvidenceOptions {
  readonly home: DeskHome;
  readonly env: DeskEnvironment;
  readonly config: LoadedConfig;
  readonly endpoint: BitgetEndpoint;
  readonly log: Log;
}

export function localEvidence({ home, env, config, endpoint, log }: EvidenceOptions): {
  readonly activities: EvidenceActivities;
  readonly store: EvidenceStore;
  close(): Promise<void>;
} {
  const poolOf = (role: 'desk_reader' | 'desk_writer') =>
    createPool({ databaseUrl: env.DATABASE_URL, role, connections: 2, log });
  const readers = poolOf('desk_reader');
  const writers = poolOf('desk_writer');
  // A bot that the configuration disables writes nothing, and nobody waits for it.
  const bots = [...config.bots.values()].filter(({ mode }) => mode !== 'disabled').map(({ bot }) => bot);
  const store = createEvidenceStore({ pool: writers, headsFile: evidenceHeadsFile(home), log });
  const activities = createEvidenceActivities({
    sources: () => bots,
    measure: (source, sinceSequence) =>
      measureSource(readers, { source, journalDir: botJournalDir(home, source), sinceSequence }),
    scenario: (name) => readScenario(env.DESK_CONFIG_DIR, name),
    evidence: store,
    identity: deskIdentity(config, env.DESK_CODE_VERSION),
    venueTimeMs: () => readVenueTime(endpoint),
    report: (family, atMs, json, markdown) =>
      void writeReport(join(home.root, 'reports'), { family, atMs, json, markdown }),
    processId: randomUUID(),
  });
  return { activities, store, close: async () => void (await Promise.all([readers.end(), writers.end()])) };
}

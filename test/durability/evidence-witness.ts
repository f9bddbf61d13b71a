/** Appends evidence to a desk's chain for as long as it is let, and remembers every head that it was answered with. */
import { setTimeout as sleep } from 'node:timers/promises';
import { evidenceHeadsFile } from '../../config/home.ts';
import { headOf, type EvidenceHead } from '../../core/evidence/record.ts';
import { SILENT } from '../../core/log.ts';
import { createPool } from '../../ledger/connect.ts';
import { LedgerUnavailable } from '../../ledger/errors.ts';
import { readKeptHeads } from '../../ledger/evidence/heads-file.ts';
import { createEvidenceStore, type EvidenceStore } from '../../ledger/evidence/store.ts';
import { draft } from '../core/evidence/builders.ts';
import type { TestDesk } from '../support/desk.ts';

const PAUSE_MS = 200;

export interface EvidenceWitness {
  readonly answered: readonly EvidenceHead[];
  readonly store: EvidenceStore;
  /** Of others, too: what the file beside the database says. */
  keptHeads(): readonly EvidenceHead[];
  /** Appends nothing more. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

export function watchEvidence({ home }: TestDesk, databaseUrl: string): EvidenceWitness {
  const pool = createPool({ databaseUrl, role: 'desk_writer', connections: 2, log: SILENT });
  const headsFile = evidenceHeadsFile(home);
  const store = createEvidenceStore({ pool, headsFile, log: SILENT });
  const answered: EvidenceHead[] = [];
  let isOn = true;
  const appending = (async () => {
    for (let n = 0; isOn; await sleep(PAUSE_MS)) {
      try {
        answered.push(headOf(await store.append(draft({ key: `witness/${n}`, subject: 'witness', payload: { n } }))));
        n += 1;
      } catch (error) {
        // The same draft again: whether it was appended is not known.
        if (!(error instanceof LedgerUnavailable)) throw error;
      }
    }
  })();
  const rest = (): Promise<void> => {
    isOn = false;
    return appending;
  };
  return {
    answered,
    store,
    keptHeads: () => readKeptHeads(headsFile).heads,
    rest,
    close: async () => {
      await rest();
      await pool.end();
    },
  };
}

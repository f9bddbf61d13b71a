/** Appends its drafts, each again and again until it is in. Arguments: database url, file of heads, name, how many. */
import { LedgerUnavailable } from '../../../ledger/errors.ts';
import { createPool } from '../../../ledger/connect.ts';
import { createEvidenceStore } from '../../../ledger/evidence/store.ts';
import { SILENT } from '../../../core/log.ts';
import { draft } from '../../core/evidence/builders.ts';

const [databaseUrl = '', headsFile = '', name = '', count = '0'] = process.argv.slice(2);
const pool = createPool({ databaseUrl, role: 'desk_writer', connections: 1, log: SILENT });
const store = createEvidenceStore({ pool, headsFile, log: SILENT });
void (async () => {
  for (let n = 0; n < Number(count);) {
    try {
      await store.append(draft({ key: `${name}/${n}`, subject: name, payload: { n } }));
      n += 1;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
    }
  }
  await pool.end();
})();

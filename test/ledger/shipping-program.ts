/** Ships every journal of a folder until it is killed. Arguments: database url, journals folder, migrations folder. */
import { SILENT } from '../../core/log.ts';
import { createJournalShipper } from '../../ledger/journal-shipper.ts';
import { createLedger } from '../../ledger/ledger.ts';

const [databaseUrl = '', journalsDir = '', migrationsDir = ''] = process.argv.slice(2);
const ledger = createLedger({ databaseUrl, migrationsDir, log: SILENT });
createJournalShipper({ ledger, journalsDir, log: SILENT, pollMs: 5 }).start();

/** Makes one backup and says a line a file. Arguments: database url, backups folder, pause after each file in ms. */
import { SILENT } from '../../../core/log.ts';
import { createBackup } from '../../../ledger/backup/create.ts';

const [databaseUrl = '', backupsDir = '', pauseMs = '0'] = process.argv.slice(2);
const pause = new Int32Array(new SharedArrayBuffer(4));
const onFile = (): void => {
  process.stdout.write('.');
  Atomics.wait(pause, 0, 0, Number(pauseMs));
};
await createBackup({ databaseUrl, backupsDir, env: process.env, log: SILENT, onFile });

/** Exports without a pause until it is killed. Arguments: database url, folder, events of a batch. */
import { SILENT } from '../../../core/log.ts';
import { createExport } from '../../../ledger/analytics/analytics.ts';
import { createClickHouseSink } from '../../../ledger/analytics/clickhouse-sink.ts';
import { createParquetSink } from '../../../ledger/analytics/parquet-sink.ts';

const [databaseUrl = '', target = '', batchEvents = ''] = process.argv.slice(2);
const sink = target.startsWith('http')
  ? () => createClickHouseSink({ url: target })
  : () => createParquetSink({ dir: target, log: SILENT, partsKeptMs: 0 });
const analytics = createExport({ databaseUrl, sinks: [sink], log: SILENT, batchEvents: Number(batchEvents) });
const again = (): Promise<void> => analytics.ingest().then(again);
void again();

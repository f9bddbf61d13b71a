/** Appends for ever and says on stdout, one line each, up to which sequence it is durable. Argument: the journal's folder. */
import { SILENT } from '../../core/log.ts';
import { openJournal } from '../../journal/journal.ts';
import { kindOf, payloadOf } from './records.ts';

const [dir = ''] = process.argv.slice(2);
const { journal } = await openJournal({ dir, log: SILENT, segmentBytes: 32 * 1024 });
for (;;) {
  const burst = 1 + (journal.nextSequence % 17);
  for (let i = 0; i < burst; i += 1) {
    const sequence = journal.nextSequence;
    journal.append(kindOf(sequence), 1, sequence - 1, 1_700_000_000_000 + sequence, payloadOf(sequence));
  }
  await journal.durable();
  process.stdout.write(`${journal.durableSequence}\n`);
}

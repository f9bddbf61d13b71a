/** Archives one segment and kills itself after a step. Arguments: journal, archive, segment, its last sequence, the step. */
import { archiveSegment } from '../../journal/archive.ts';

const [journalDir = '', archiveDir = '', segment = '', lastSequence = '0', killAt = ''] = process.argv.slice(2);
await archiveSegment({
  journalDir,
  archiveDir,
  segment,
  lastSequence: Number(lastSequence),
  onStep(step) {
    if (step === killAt) process.kill(process.pid, 'SIGKILL');
  },
});

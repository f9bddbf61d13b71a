/** Recorded feeds from their files. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Instrument } from '../../core/market/instrument.ts';
import { readRecording, type Recording } from '../../core/recording/recording.ts';

/** The files of one market as one feed. Throws `RecordingError` or the system's error. */
export function loadRecording(dataDir: string, files: readonly string[], instrument: Instrument): Recording {
  return readRecording(
    files.map((file) => {
      const zipped = readFileSync(join(dataDir, file));
      return { file, sha256: createHash('sha256').update(zipped).digest('hex'), bytes: gunzipSync(zipped) };
    }),
    instrument,
  );
}

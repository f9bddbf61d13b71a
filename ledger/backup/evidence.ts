/** A backup, and its restore test where there was one, as the payload of evidence of the kind `database_backup`. */
import type { JsonObject } from '../../core/evidence/json.ts';
import type { SourceRange } from '../../core/evidence/record.ts';
import { hashOf } from '../evidence/hash.ts';
import { backupBytes, type BackupManifest } from './manifest.ts';
import type { BackupVerdict } from './verify.ts';

/** The manifest's hash stands for every file's. */
export function backupPayload(manifest: BackupManifest, verdict: BackupVerdict | null): JsonObject {
  const { name, kind, startedAtMs, finishedAtMs, serverVersion, store, files } = manifest;
  return {
    backup: name,
    kind,
    startedAtMs,
    finishedAtMs,
    serverVersion,
    files: files.length,
    bytes: backupBytes(manifest),
    manifestSha256: hashOf(manifest),
    store,
    restoreTest:
      verdict === null
        ? null
        : {
            ok: verdict.ok,
            fileFaults: verdict.fileFaults.length,
            started: verdict.started === null ? null : { tookMs: verdict.started.tookMs, missing: [...verdict.started.missing] }, // prettier-ignore
          },
  };
}

/** What the evidence is about: every event that was counted. */
export function backupSources({ store }: BackupManifest): SourceRange[] {
  return store.sources.map(({ source, lastSequence }) => ({ source, fromSequence: 1, toSequence: lastSequence }));
}

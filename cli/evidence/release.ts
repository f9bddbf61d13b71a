/** `desk evidence manifest`: what runs here, file by file, as the release that evidence names. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { ReleaseManifest } from '../../core/evidence/payloads.ts';
import { EVIDENCE_SCHEMA, type EvidenceRecord } from '../../core/evidence/record.ts';
import { hashOf, sha256 } from '../../ledger/evidence/hash.ts';
import { writeAtomic } from '../../stack/run-files.ts';
import type { Context } from '../context.ts';
import { fileStamp } from './files.ts';
import { deskFacts, withEvidence } from './store.ts';

export interface Release {
  readonly releaseId: string;
  readonly manifest: ReleaseManifest;
}

export function releaseOf(context: Context): Release {
  const { root, buildDir } = context;
  const { codeVersion, configHash } = deskFacts(context);
  const manifest: ReleaseManifest = {
    codeVersion,
    packageLock: sha256(readFileSync(join(root, 'package-lock.json'))),
    bundles: hashesIn(buildDir, '.js'),
    schemas: { evidence: EVIDENCE_SCHEMA, migrations: hashesIn(join(root, 'ledger', 'migrations'), '.sql') },
    configHash,
  };
  return { releaseId: hashOf(manifest), manifest };
}

/** Recorded once, however often it is asked for. Answers the record and the file beside it, seen from the checkout. */
export async function recordRelease(context: Context): Promise<Release & { record: EvidenceRecord; file: string }> {
  const release = releaseOf(context);
  const { releaseId, manifest } = release;
  const atMs = Date.now();
  const record = await withEvidence(context, 'desk_writer', (store) =>
    store.append({
      ...deskFacts(context),
      key: `release/${releaseId}`,
      kind: 'release_manifest',
      atMs,
      range: { fromMs: atMs, toMs: atMs, sources: [] },
      releaseId,
      payload: manifest,
    }),
  );
  const dir = join(context.root, 'reports', 'release_manifest');
  const content = `${JSON.stringify({ v: 1, data: { releaseId, evidence: { number: record.number, hash: record.hash }, manifest } }, null, 2)}\n`;
  const file = join(dir, `release_manifest_${fileStamp(record.atMs)}.json`);
  writeAtomic(file, content);
  writeAtomic(join(dir, 'latest.json'), content);
  return { ...release, record, file: relative(context.root, file) };
}

/** By their paths from `dir`, in order. */
function hashesIn(dir: string, ending: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(ending));
  return Object.fromEntries(
    names
      .map((name) => name.split(sep).join('/'))
      .sort()
      .map((name) => [name, sha256(readFileSync(join(dir, name)))]),
  );
}

/** `manifest.json` of a backup: what it holds, file by file, and what the event store said when it was finished. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EvidenceHead, Sha256 } from '../../core/evidence/record.ts';
import { faultLine, faultsOf } from '../../core/faults.ts';
import { hashOf } from '../evidence/hash.ts';

export const MANIFEST_FILE = 'manifest.json';
/** Where a physical backup keeps the data folder. */
export const DATA_DIR = 'data';
export const DUMP_FILE = 'desk.dump';

const Lsn = z.string().regex(/^[0-9A-F]+\/[0-9A-F]+$/, 'expected a place in the log like 0/16B3748');
const AtMs = z.int().positive();

export const BackupFile = z.strictObject({
  /** From the backup's folder, with forward slashes. */
  path: z.string().regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))[^\0\\]+$/, 'expected a path inside the backup'),
  bytes: z.int().nonnegative(),
  sha256: Sha256,
});
export type BackupFile = z.infer<typeof BackupFile>;

/** Counted from the rows, just before the backup's end: a restored server has exactly these among what it has. */
export const StoredSource = z.strictObject({
  source: z.string(),
  events: z.int().nonnegative(),
  lastSequence: z.int().nonnegative(),
});
export type StoredSource = z.infer<typeof StoredSource>;

export const StoreState = z.strictObject({
  /** Last migration of the desk. */
  migration: z.string().nullable(),
  sources: z.array(StoredSource),
  evidenceHead: EvidenceHead.nullable(),
});
export type StoreState = z.infer<typeof StoreState>;

const common = {
  version: z.literal(1),
  name: z
    .string()
    .regex(
      /^\d{8}T\d{6}Z(-[0-9a-f]{8})?$/,
      'expected a UTC time like 20261122T031205Z, and maybe - and eight digits of a run',
    ),
  startedAtMs: AtMs,
  finishedAtMs: AtMs,
  serverVersion: z.string(),
  database: z.string(),
  /** Owner of the cluster. */
  user: z.string(),
  store: StoreState,
  /** In the order of their paths. */
  files: z.array(BackupFile).min(1),
};

export const BackupManifest = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('physical'),
    ...common,
    systemIdentifier: z.string(),
    startLsn: Lsn,
    stopLsn: Lsn,
    /** Empty ones too: Postgres does not start without them. */
    folders: z.array(z.string()),
  }),
  z.strictObject({ kind: z.literal('dump'), ...common, tool: z.string() }),
]);
export type BackupManifest = z.infer<typeof BackupManifest>;

/** A folder that is no whole backup, or not the one that it says it is. */
export class BackupDamaged extends Error {
  override readonly name = 'BackupDamaged';
}

export function manifestText(manifest: BackupManifest): string {
  return `${JSON.stringify({ manifest, sha256: hashOf(manifest) })}\n`;
}

/** Throws `BackupDamaged` where there is none, or where it was changed. */
export function readManifest(dir: string): BackupManifest {
  const file = join(dir, MANIFEST_FILE);
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new BackupDamaged(`${file}: ${(error as Error).message}`, { cause: error });
  }
  const Sealed = z.strictObject({ manifest: BackupManifest, sha256: Sha256 });
  const parsed = Sealed.safeParse(raw);
  if (!parsed.success) throw new BackupDamaged(`${file}: ${faultLine(faultsOf(parsed.error, raw)[0]!)}`);
  const { manifest, sha256 } = parsed.data;
  const found = hashOf(manifest);
  if (found !== sha256) throw new BackupDamaged(`${file}: expected SHA-256 ${sha256} of its content, was ${found}`);
  return manifest;
}

export function backupBytes({ files }: BackupManifest): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

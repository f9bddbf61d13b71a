/**
 * Restart snapshots as files, `DESK_HOME/recovery/<UTC>_<label>.json`: whole or not there. A `post_restart` one is written
 * when its verdict is on the chain; so it and all that came after it are what nobody has judged yet.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { dirname, join } from 'node:path';
import { RestartSnapshot } from '../core/recovery/snapshot.ts';
import { syncDirectory } from '../journal/lock.ts';

export interface KeptSnapshot {
  readonly file: string;
  readonly snapshot: RestartSnapshot;
}

export interface KeptSnapshots {
  /** Oldest first. */
  readonly snapshots: readonly KeptSnapshot[];
  /** Files that hold none. */
  readonly unreadable: readonly string[];
}

const NAME = /^\d{8}T\d{6}\.\d{3}Z_(pre|post)_restart\.json$/;
const KEPT_MAX = 50;

/** Durable when it returns; its path. Throws what the disk says. */
export function writeSnapshot(dir: string, snapshot: RestartSnapshot): string {
  mkdirSync(dir, { recursive: true });
  const utc = new Date(snapshot.atMs).toISOString().replaceAll(/[-:]/g, '');
  const file = join(dir, `${utc}_${snapshot.label}.json`);
  const draft = `${file}.${process.pid}.draft`;
  const descriptor = openSync(draft, 'w');
  try {
    writeFileSync(descriptor, `${JSON.stringify(snapshot, null, 2)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
  syncDirectory(dir);
  syncDirectory(dirname(dir));
  removeOld(dir);
  return file;
}

export function readSnapshots(dir: string): KeptSnapshots {
  const snapshots: KeptSnapshot[] = [];
  const unreadable: string[] = [];
  for (const name of namesIn(dir)) {
    const file = join(dir, name);
    const snapshot = parse(readFileSync(file, 'utf8'));
    if (snapshot === null) unreadable.push(file);
    else snapshots.push({ file, snapshot });
  }
  return { snapshots, unreadable };
}

/** The last one that was judged, and all behind it. */
export function unjudged(snapshots: readonly KeptSnapshot[]): readonly KeptSnapshot[] {
  const judged = snapshots.findLastIndex(({ snapshot }) => snapshot.label === 'post_restart');
  return snapshots.slice(Math.max(0, judged));
}

function namesIn(dir: string): string[] {
  return existsSync(dir)
    ? readdirSync(dir)
        .filter((name) => NAME.test(name))
        .sort()
    : [];
}

/** Each is a lower bound of its own, and a newer one is the higher: the oldest go, and what a crash left half written. */
function removeOld(dir: string): void {
  const old = namesIn(dir).slice(0, -KEPT_MAX);
  const drafts = readdirSync(dir).filter((name) => name.endsWith('.draft'));
  for (const name of [...old, ...drafts]) rmSync(join(dir, name), { force: true });
}

function parse(text: string): RestartSnapshot | null {
  try {
    return RestartSnapshot.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

#!/usr/bin/env node
/**
 * Builds what runs: one ESM file for each process entry (packages stay outside), and the workflow bundle. A stamp of all
 * sources makes a second call free.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const ROOMS = [
  'core',
  'gateway',
  'simulator',
  'ledger',
  'journal',
  'stack',
  'bots',
  'workflows',
  'activities',
  'workers',
  'backtest',
  'console',
  'cli',
  'config',
  'monitoring',
  'bench',
];
const ENTRY_NAMES =
  /^(cli|bots|simulator|console)\/main\.ts$|^bots\/probe\.ts$|^workers\/[a-z-]+\.worker\.ts$|^bench\/[a-z-]+\.ts$/;

function sources() {
  const found = [];
  const walk = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.name.endsWith('.ts')) found.push(relative(ROOT, path));
    }
  };
  for (const room of ROOMS) if (existsSync(join(ROOT, room))) walk(join(ROOT, room));
  return found.sort();
}

function stampOf(files) {
  const hash = createHash('sha256');
  for (const file of [...files, 'package-lock.json', 'tools/build.mjs']) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(ROOT, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

const DIST = join(ROOT, 'dist');
/** Builds kept beside the newest: an older desk may still run from one. */
const BUILDS_KEPT = 3;

/** Pids that say they run from this checkout, by their build; those that are gone are forgotten. */
export function runningFrom() {
  const running = [];
  if (!existsSync(DIST)) return running;
  for (const build of readdirSync(DIST)) {
    const marks = join(DIST, build, 'running');
    if (!existsSync(marks)) continue;
    for (const mark of readdirSync(marks)) {
      if (isAlive(Number(mark))) running.push({ build, pid: Number(mark) });
      else rmSync(join(marks, mark), { force: true });
    }
  }
  return running;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function prune(current) {
  const used = new Set([current, ...runningFrom().map(({ build }) => build)]);
  const byAge = readdirSync(DIST)
    .filter((name) => !used.has(name))
    .map((name) => ({ name, at: statSync(join(DIST, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at);
  for (const { name } of byAge.slice(BUILDS_KEPT)) rmSync(join(DIST, name), { recursive: true, force: true });
}

/**
 * Answers the folder of the build of today's sources, made when there is none. A build never changes once it is there: a
 * running desk starts its next bot from the code that it was started from, whatever is edited meanwhile.
 */
export async function build({ log = () => {} } = {}) {
  const files = sources();
  const stamp = stampOf(files).slice(0, 16);
  const done = join(DIST, stamp);
  if (existsSync(done)) return done;
  const startedAt = Date.now();
  const out = join(DIST, `making-${process.pid}`);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const esbuild = await import('esbuild');
  await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: files.filter((file) => ENTRY_NAMES.test(file)),
    outdir: out,
    outbase: '.',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    sourcemap: true,
    // A map without the texts: a stack trace names file and line, and each process is some 4 MB smaller.
    sourcesContent: false,
    logLevel: 'error',
  });
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(ROOT, 'workflows/index.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  mkdirSync(join(out, 'workflows'), { recursive: true });
  writeFileSync(join(out, 'workflows/bundle.js'), code);
  writeFileSync(join(out, 'package.json'), '{ "type": "module" }\n');
  try {
    renameSync(out, done);
  } catch (error) {
    if (!existsSync(done)) throw error; // else another process made the same build meanwhile
    rmSync(out, { recursive: true, force: true });
  }
  prune(stamp);
  log(`built in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  return done;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(await build({ log: (line) => console.log(line) }));
}

#!/usr/bin/env node
/**
 * Builds what runs: one ESM file for each process entry (packages stay outside), and the workflow bundle. A stamp of all
 * sources makes a second call free.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
const ENTRY_NAMES = /^(cli|bots|simulator|console)\/main\.ts$|^workers\/[a-z-]+\.worker\.ts$|^bench\/[a-z-]+\.ts$/;

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

/** Two processes may build at once (a desk and a test run): each builds aside and moves its result in. */
export async function build({ log = () => {} } = {}) {
  const files = sources();
  const stamp = stampOf(files);
  const dist = join(ROOT, 'dist');
  const stampFile = join(dist, 'stamp');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return { built: false, stamp };
  const startedAt = Date.now();
  const out = join(ROOT, `dist.${process.pid}`);
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
    logLevel: 'error',
  });
  if (existsSync(join(ROOT, 'workflows/index.ts'))) {
    const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
    const { code } = await bundleWorkflowCode({
      workflowsPath: join(ROOT, 'workflows/index.ts'),
      logger: new DefaultLogger('ERROR'),
    });
    mkdirSync(join(out, 'workflows'), { recursive: true });
    writeFileSync(join(out, 'workflows/bundle.js'), code);
  }
  writeFileSync(join(out, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(out, 'stamp'), stamp);
  const old = join(ROOT, `dist.old.${process.pid}`);
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(out, dist);
  rmSync(old, { recursive: true, force: true });
  log(`built in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  return { built: true, stamp };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { built } = await build({ log: (line) => console.log(line) });
  if (!built) console.log('up to date');
}

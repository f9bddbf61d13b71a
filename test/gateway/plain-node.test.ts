import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { CANARY_KEYS, startRawPeer, success } from './raw-peer.ts';

const folder = mkdtempSync(join(tmpdir(), 'gateway-plain-'));
const bundle = join(folder, 'run.mjs');
beforeAll(async () => {
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  const entryPoints = ['test/gateway/plain-node-run.ts'];
  await build({ entryPoints, bundle: true, packages: 'external', format: 'esm', platform: 'node', outfile: bundle });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly code: number | null;
  readonly stderr: string;
  readonly result: Record<string, unknown>;
}

function run(peer: { httpUrl: string; wsUrl: string }, runMs: number, bug = ''): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const args = [bundle, peer.httpUrl, peer.wsUrl, JSON.stringify(CANARY_KEYS), String(runMs), bug];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: {} });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => (stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stderr, result: JSON.parse(stdout || '{}') as Outcome['result'] }));
  });
}

test('a peer that breaks everything leaves no unhandled rejection, no handle and no late delivery', async () => {
  let turn = 0;
  const garbage = ['{"action"', '[', 'null', '7', '{}', '[[]]', '{"event":"login"}', '{"event":"error"}', '\u0000'];
  const channels = ['books', 'trade', 'ticker', 'orders', 'fill', 'positions', 'account', 'nope'];
  const arg = (channel: string) => ({ instType: 'USDT-FUTURES', channel, instId: 'BTCUSDT' });
  const odd: unknown[] = [null, [], [null], [{}], 7, 'x', [{ instId: 'BTCUSDT' }], [[1, 2]], { a: 1 }];
  const peer = await startRawPeer({
    onCall(_call, response) {
      turn += 1;
      if (turn % 5 === 0) response.socket?.destroy();
      else if (turn % 5 === 1) response.end(success(odd[turn % odd.length]));
      else if (turn % 5 === 2) response.end('<html>');
      else if (turn % 5 === 3) response.end('{"code":"40786"}');
    },
    onSocket(socket) {
      turn += 1;
      const timer = setInterval(() => {
        turn += 1;
        const channel = channels[turn % channels.length] ?? '';
        const action = turn % 2 === 0 ? 'snapshot' : 'update';
        socket.send(JSON.stringify({ action, arg: arg(channel), data: odd[turn % odd.length], ts: Date.now() }));
        if (turn % 3 === 0) socket.send(garbage[turn % garbage.length] ?? '');
        if (turn % 7 === 0) socket.send(Buffer.from([0xff, 0xfe, 0x00]));
        if (turn % 41 === 0) socket.terminate();
        if (turn % 67 === 0) socket.close(1011);
      }, 3);
      socket.on('message', (data: Buffer) => {
        turn += 1;
        const text = data.toString('utf8');
        // Acknowledged mostly, so that what follows is believed to belong to the channel.
        if (text === 'ping' || turn % 5 === 0) return;
        const { op, args } = JSON.parse(text) as { op: string; args: object[] };
        if (op === 'login') socket.send('{"event":"login","code":0}');
        else for (const named of args) socket.send(JSON.stringify({ event: op, arg: named }));
      });
      socket.on('close', () => clearInterval(timer));
    },
  });
  const { code, stderr, result } = await run(peer, 3_500);
  await peer.close();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(result).toMatchObject({ afterClose: 0, end: 'closed', answers: ['duplicate', 'unknown'] });
});

test('a bug in the sink ends the process and is not taken for a fault of the venue', async () => {
  const peer = await startRawPeer({
    onCall: (_call, response) => response.end(success([])),
    onSocket(socket) {
      socket.on('message', (data: Buffer) => {
        const { op, args } = JSON.parse(data.toString('utf8')) as { op: string; args: object[] };
        if (op === 'login') socket.send('{"event":"login","code":0}');
        else for (const arg of args) socket.send(JSON.stringify({ event: 'subscribe', arg }));
      });
    },
  });
  const { code, stderr } = await run(peer, 30_000, 'planted bug');
  await peer.close();
  expect(code).not.toBe(0);
  expect(stderr).toContain('planted bug');
});

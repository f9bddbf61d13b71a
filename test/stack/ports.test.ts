import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { choosePorts, freePort, isPortFree, PORT_NAMES, readPorts, writePorts } from '../../stack/ports.ts';
import type { Ports } from '../../stack/ports.ts';
import { tempHome } from './helpers.ts';

let temp: ReturnType<typeof tempHome>;
let taken: Server;
let takenPort: number;

beforeEach(async () => {
  temp = tempHome();
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  takenPort = (taken.address() as AddressInfo).port;
});

afterEach(async () => {
  await new Promise((resolve) => taken.close(resolve));
  await temp.remove();
});

const anyPorts: Ports = { temporal: 0, temporalUi: 0, temporalMetrics: 0, postgres: 0, console: 0, simulator: 0 };

test('a free port is kept, a taken one is replaced and reported', async () => {
  const free = await freePort();
  const { ports, moved } = await choosePorts({ ...anyPorts, console: takenPort, simulator: free });
  expect(ports.simulator).toBe(free);
  expect(moved).toEqual([{ name: 'console', wanted: takenPort, got: ports.console }]);
  expect(await isPortFree(ports.console)).toBe(true);
});

test('every service has a port of its own, also when two ask for the same', async () => {
  const free = await freePort();
  const { ports, moved } = await choosePorts({ ...anyPorts, temporal: free, postgres: free });
  expect(new Set(Object.values(ports)).size).toBe(PORT_NAMES.length);
  expect(moved.map(({ name }) => name)).toEqual(['postgres']);
});

test('the port of a server that an earlier desk left running stays its port', async () => {
  const { ports, moved } = await choosePorts({ ...anyPorts, postgres: takenPort }, { postgres: takenPort });
  expect(ports.postgres).toBe(takenPort);
  expect(moved).toEqual([]);
});

test('everyone reads what was written', async () => {
  expect(readPorts(temp.home)).toBeNull();
  const { ports } = await choosePorts(anyPorts);
  writePorts(temp.home, ports);
  expect(readPorts(temp.home)).toEqual(ports);
});

test.each([['{'], ['{}'], ['{"temporal":"x"}']])('a damaged file says what to do: %s', (text) => {
  mkdirSync(temp.home.root, { recursive: true });
  writeFileSync(temp.home.portsFile, text);
  expect(() => readPorts(temp.home)).toThrow(/ports\.json is damaged .*\.\/desk down, then \.\/desk up/s);
});

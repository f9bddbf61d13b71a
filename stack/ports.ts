/** Which port each service listens on: its default, or a free one when that is taken. `ports.json` tells everyone else. */
import { createServer } from 'node:net';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { DeskHome } from '../config/home.ts';
import { writeAtomic } from './run-files.ts';

export const PORT_NAMES = ['temporal', 'temporalUi', 'temporalMetrics', 'postgres', 'console', 'simulator'] as const;
export type PortName = (typeof PORT_NAMES)[number];

const Port = z.int().min(1).max(65_535);
export const Ports = z.record(z.enum(PORT_NAMES), Port);
export type Ports = Readonly<Record<PortName, number>>;

/** A service whose default was taken. */
export interface MovedPort {
  readonly name: PortName;
  readonly wanted: number;
  readonly got: number;
}

/**
 * Gives every service a port. `wanted` 0 means any free one; `held` are ports on which an earlier desk's own process
 * already listens and goes on listening. Nothing is reserved: whoever binds next must be ready to find it taken.
 */
export async function choosePorts(
  wanted: Ports,
  held: Partial<Ports> = {},
): Promise<{ ports: Ports; moved: MovedPort[] }> {
  const given = new Set<number>(Object.values(held));
  const chosen: Partial<Record<PortName, number>> = {};
  const moved: MovedPort[] = [];
  for (const name of PORT_NAMES) {
    const want = wanted[name];
    const got = held[name] ?? (await portFor(want, given));
    given.add(got);
    chosen[name] = got;
    if (want !== 0 && got !== want) moved.push({ name, wanted: want, got });
  }
  return { ports: Ports.parse(chosen), moved };
}

/** Nobody listens on `port` of the loopback address at this moment. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await probe(port)) !== null;
}

/**
 * Where systems take no ports for outgoing connections (Linux begins at 32768): a port found free there is still free when
 * its service binds it a second later, unless another desk chose the very same.
 */
const FREE_PORT_MIN = 20_000;
const FREE_PORT_MAX = 32_000;
const FREE_PORT_TRIES = 200;

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < FREE_PORT_TRIES; attempt += 1) {
    const port = FREE_PORT_MIN + Math.floor(Math.random() * (FREE_PORT_MAX - FREE_PORT_MIN));
    if (await isPortFree(port)) return port;
  }
  throw new Error(`no free port on 127.0.0.1 from ${FREE_PORT_MIN} to ${FREE_PORT_MAX}: every one tried is taken`);
}

export function writePorts(home: DeskHome, ports: Ports): void {
  writeAtomic(home.portsFile, `${JSON.stringify(ports, null, 2)}\n`);
}

/** What the last start chose; null before the first. A damaged file is an error that says what to do. */
export function readPorts(home: DeskHome): Ports | null {
  let text: string;
  try {
    text = readFileSync(home.portsFile, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return Ports.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new Error(`${home.portsFile} is damaged (${why}): ./desk down, then ./desk up, which writes it anew`, {
      cause: error,
    });
  }
}

async function portFor(want: number, given: ReadonlySet<number>): Promise<number> {
  if (want !== 0 && !given.has(want) && (await isPortFree(want))) return want;
  for (;;) {
    const port = await freePort();
    if (!given.has(port)) return port;
  }
}

function probe(port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null);
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : null));
    });
  });
}

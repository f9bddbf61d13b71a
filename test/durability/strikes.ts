/** What a SIGKILL can hit in a running desk, each process found where the system has it. */
import { readdirSync, readFileSync } from 'node:fs';
import { leftPostgres } from '../../stack/postgres.ts';
import { runningProcesses } from '../../stack/run-files.ts';
import type { TestDesk } from '../support/desk.ts';
import type { Load } from './load.ts';

export interface Target {
  readonly what: string;
  /** Empty while it is not there. */
  readonly pids: () => readonly number[];
  /** SIGKILL unless said. */
  readonly signal?: 'SIGUSR2';
}

/** Every kind of them, each as often as the others. `bots` are hit one at a time. */
export function targetsOf({ home }: TestDesk, { sources }: Load, bots: readonly string[]): Target[] {
  const running = (isIt: (name: string) => boolean): number[] =>
    runningProcesses(home).flatMap(({ name, pid }) => (isIt(name) ? [pid] : []));
  const named = (what: string, name: string): Target => ({ what, pids: () => running((each) => each === name) });
  const postmaster = (): number[] => {
    const left = leftPostgres(home);
    return left === null ? [] : [left.identity.pid];
  };
  const backends = (isIt: (kind: string) => boolean): number[] =>
    postmaster()
      .flatMap(childrenOf)
      .filter((pid) => isIt(backendKind(pid)));
  const backend = (kind: string): Target => ({
    what: `Postgres ${kind}`,
    pids: () => backends((each) => each === kind).slice(0, 1),
  });
  return [
    ...bots.map((bot) => ({ what: 'bot', pids: () => running((name) => name.startsWith(`bot-${bot}-`)) })),
    ...sources.flatMap((source): Target[] => {
      const pids = (): number[] => [source.pid()].filter((pid) => pid !== null);
      return [
        { what: 'event source', pids },
        { what: 'event source at its word', pids, signal: 'SIGUSR2' },
      ];
    }),
    named('bot host', 'bot-host'),
    named('desk worker', 'desk-worker'),
    named('Temporal', 'temporal'),
    { what: 'Postgres postmaster', pids: postmaster },
    { what: 'all of Postgres', pids: () => [...postmaster(), ...backends(() => true)] },
    backend('client backend'),
    backend('checkpointer'),
    backend('background writer'),
    backend('walwriter'),
    backend('autovacuum launcher'),
    backend('logical replication launcher'),
  ];
}

/** Postmaster and backends of a desk, parents first. */
export function postgresPids(desk: TestDesk): number[] {
  const pid = desk.postmasterPid();
  return [pid, ...childrenOf(pid)];
}

export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => /^PPid:\t(\d+)$/m.exec(procFile(pid, 'status'))?.[1] === String(parent));
}

/** From the title that it gives itself: `postgres: checkpointer`, `postgres: desk desk 127.0.0.1(4711) COMMIT`. */
function backendKind(pid: number): string {
  const title = procFile(pid, 'cmdline').replaceAll('\0', ' ').trim();
  if (/^postgres: .*\(\d+\)/.test(title)) return 'client backend';
  return /^postgres: (.+)$/.exec(title)?.[1] ?? '';
}

function procFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return ''; // It ended meanwhile.
  }
}

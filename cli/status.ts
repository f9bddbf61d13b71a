/**
 * `desk status`: what runs, how each bot is, why it trades or does not, and who holds it; exit 3 when something that should
 * run does not. `desk watch` says the same again and again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Table from 'cli-table3';
import pc from 'picocolors';
import { loadConfig } from '../config/load.ts';
import { isTrouble } from '../core/bot/reasons.ts';
import type { BotStatus } from '../core/control/protocol.ts';
import { holdLines, holdsOf } from '../core/supervision/holds.ts';
import { runningDesk } from '../stack/desk-lock.ts';
import { readPorts, type Ports } from '../stack/ports.ts';
import { runningProcesses } from '../stack/run-files.ts';
import type { BotWorkflowStatus } from '../workflows/bot/contract.ts';
import { addressLines, livePorts } from './addresses.ts';
import { askStatus } from './ask-status.ts';
import type { Context } from './context.ts';
import { DISK_FREE_MIN_START_BYTES, freeBytes } from './prepare-home.ts';
import { givenUp } from './remedies.ts';
import { checkOutput, CommandFailure, EXIT, type ExitCode } from './exit-codes.ts';
import { askBot, withTemporal } from './temporal-client.ts';
import { stamp } from './why/words.ts';

interface BotLine {
  readonly bot: string;
  readonly role: string;
  readonly mode: string;
  readonly account: string;
  readonly symbol: string;
  readonly workflow: BotWorkflowStatus | null;
  /** The process's own word; null while it does not answer. */
  readonly process: BotStatus | null;
}

interface DeskStatus {
  readonly home: string;
  readonly up: boolean;
  readonly pid: number | null;
  readonly ports: Ports | null;
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  readonly bots: readonly BotLine[];
  readonly isHealthy: boolean;
}

export async function printStatus(context: Context, output: string): Promise<ExitCode> {
  checkOutput(output);
  const status = await readStatus(context);
  console.log(output === 'json' ? statusJson(status) : statusLines(status).join('\n'));
  return status.isHealthy ? EXIT.ok : EXIT.unhealthy;
}

/** Repaints a terminal, and appends to anything else; ends with 130 by Ctrl-C. */
export async function watchStatus(context: Context, output: string, everyMs: number): Promise<ExitCode> {
  if (output !== 'text' && output !== 'jsonl')
    throw new CommandFailure(EXIT.usage, `--output: expected text or jsonl, was "${output}"`);
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const repaint = output === 'text' && process.stdout.isTTY ? '\u001b[H\u001b[2J' : '';
  while (!interrupted.signal.aborted) {
    const text = await readStatus(context).then(output === 'jsonl' ? statusJson : watchText, (error: unknown) => {
      // What does not answer now may answer the next time.
      if (!(error instanceof CommandFailure)) throw error;
      return output === 'jsonl' ? JSON.stringify({ v: 1, error: error.message }) : pc.red(error.message);
    });
    console.log(`${repaint}${text}`);
    await sleep(everyMs, undefined, { signal: interrupted.signal }).catch(() => undefined);
  }
  return EXIT.interrupted;
}

function watchText(status: DeskStatus): string {
  return [`${stamp(Date.now()).slice(0, 19)} UTC`, ...statusLines(status)].join('\n');
}

async function readStatus(context: Context): Promise<DeskStatus> {
  const { home } = context;
  const { bots } = loadConfig(context.configDir);
  const desk = runningDesk(home);
  const lines: BotLine[] =
    desk === null
      ? []
      : await withTemporal(context, (client) =>
          Promise.all(
            [...bots.values()].map(async ({ bot, role, mode, account, symbol }) => {
              const [workflow, own] =
                mode === 'disabled'
                  ? [null, null]
                  : await Promise.all([askBot(client, bot).catch(() => null), askStatus(home, bot)]);
              return { bot, role, mode, account, symbol, workflow, process: own };
            }),
          ),
        );
  return {
    home: home.root,
    up: desk !== null,
    pid: desk?.pid ?? null,
    ports: readPorts(home),
    processes: runningProcesses(home).map(({ name, pid }) => ({ name, pid })),
    bots: lines,
    isHealthy:
      desk !== null &&
      lines.every(({ mode, workflow }) => mode === 'disabled' || (workflow !== null && workflow.pid !== null)),
  };
}

function statusJson({ ports, processes, bots, ...rest }: DeskStatus): string {
  const running = processes.map(({ name }) => name);
  const told = bots.map((line) => ({ ...line, holds: line.workflow === null ? [] : holdsOf(line.workflow) }));
  const listening = ports === null ? null : livePorts(ports, running);
  return JSON.stringify({ v: 1, data: { ...rest, ports: listening, processes, bots: told } });
}

function statusLines({ home, up, pid, ports, processes, bots }: DeskStatus): string[] {
  const named = processes.map(({ name, pid: each }) => `${name} ${each}`).join(', ');
  if (!up) {
    const none = `no desk is running (state in ${home}); start it with ./desk up`;
    return processes.length === 0 ? [none] : [none, `left behind: ${named}; ./desk down ends them`];
  }
  const running = processes.map(({ name }) => name);
  return [
    `desk up, pid ${pid}, state in ${home}`,
    `processes: ${named}`,
    ...(ports === null ? [] : addressLines(ports, running)),
    '',
    ...botTable(bots),
    ...bots.flatMap(remarks),
    ...(freeBytes(home) < DISK_FREE_MIN_START_BYTES
      ? [pc.red(`the disk of ${home} is full: bots and servers stop without it`), '  → make room (docs/runbooks/full-disk.md)'] // prettier-ignore
      : []),
  ];
}

function botTable(bots: readonly BotLine[]): string[] {
  const table = new Table({
    head: [
      'bot',
      'phase',
      'why (not)',
      'position',
      'P&L today, USDT',
      'orders',
      'symbol',
      'mode',
      'account',
      'restarts',
    ],
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { bot, mode, symbol, account, workflow, process: own } of bots) {
    const phase =
      mode === 'disabled' ? pc.dim('disabled') : workflow === null ? pc.red('not answering') : workflow.phase;
    const pnl = own?.pnlToday ?? null;
    table.push([
      bot,
      phase,
      own === null ? '' : isTrouble(own.reason) ? pc.red(own.reason) : own.reason,
      own?.position ?? '',
      pnl === null ? '' : `${Number(pnl) > 0 ? '+' : ''}${Number(pnl).toFixed(2)}`,
      own?.ordersActive ?? '',
      symbol,
      mode,
      account,
      workflow?.restarts ?? '',
    ]);
  }
  return table.toString().split('\n');
}

/** Why a bot does not run or is held, by whom, and what to do about it. */
function remarks({ bot, workflow }: BotLine): string[] {
  if (workflow === null) return [];
  const { gaveUp, lastExit, pid, shortRuns } = workflow;
  const holds = holdsOf({ ...workflow, gaveUp: null }).flatMap((hold) => {
    const [text, lift] = holdLines(bot, hold);
    return [pc.yellow(`${bot} ${text}`), lift!];
  });
  if (gaveUp !== null) return [...givenUp(bot, gaveUp.reason), ...holds];
  if (pid === null && lastExit !== null && shortRuns > 0)
    return [pc.yellow(`${bot} is started again (try ${shortRuns}): ${lastExit.detail || lastExit.cause}`), ...holds];
  return holds;
}

/** `desk status`: what runs, and how each bot is; exit 3 when something that should run does not. */
import Table from 'cli-table3';
import pc from 'picocolors';
import { loadConfig } from '../config/load.ts';
import { LADDER } from '../core/escalation/ladder.ts';
import { runningDesk } from '../stack/desk-lock.ts';
import { readPorts } from '../stack/ports.ts';
import { runningProcesses } from '../stack/run-files.ts';
import type { BotWorkflowStatus } from '../workflows/bot/contract.ts';
import type { Context } from './context.ts';
import { DISK_FREE_MIN_START_BYTES, freeBytes } from './prepare-home.ts';
import { givenUp } from './remedies.ts';
import { checkOutput, EXIT } from './exit-codes.ts';
import { askBot, withTemporal } from './temporal-client.ts';

interface BotLine {
  readonly bot: string;
  readonly role: string;
  readonly mode: string;
  readonly account: string;
  readonly symbol: string;
  readonly workflow: BotWorkflowStatus | null;
}

export async function printStatus(context: Context, output: string): Promise<number> {
  checkOutput(output);
  const { bots } = loadConfig(context.configDir);
  const desk = runningDesk(context.home);
  const processes = runningProcesses(context.home).map(({ name, pid }) => ({ name, pid }));
  const lines: BotLine[] =
    desk === null
      ? []
      : await withTemporal(context, (client) =>
          Promise.all(
            [...bots.values()].map(async ({ bot, role, mode, account, symbol }) => {
              const workflow = mode === 'disabled' ? null : await askBot(client, bot).catch(() => null);
              return { bot, role, mode, account, symbol, workflow };
            }),
          ),
        );
  const isHealthy =
    desk !== null &&
    lines.every(({ mode, workflow }) => mode === 'disabled' || (workflow !== null && workflow.pid !== null));
  if (output === 'json') {
    console.log(
      JSON.stringify({
        v: 1,
        data: {
          home: context.home.root,
          up: desk !== null,
          pid: desk?.pid ?? null,
          ports: readPorts(context.home),
          processes,
          bots: lines,
          isHealthy,
        },
      }),
    );
    return isHealthy ? EXIT.ok : EXIT.unhealthy;
  }
  if (desk === null) {
    console.log(`no desk is running (state in ${context.home.root}); start it with ./desk up`);
    if (processes.length > 0)
      console.log(
        `left behind: ${processes.map(({ name, pid }) => `${name} (${pid})`).join(', ')}; ./desk down ends them`,
      );
    return EXIT.unhealthy;
  }
  console.log(`desk up, pid ${desk.pid}, state in ${context.home.root}`);
  console.log(`processes: ${processes.map(({ name, pid }) => `${name} ${pid}`).join(', ')}\n`);
  const table = new Table({
    head: ['bot', 'phase', 'mode', 'role', 'symbol', 'account', 'pid', 'restarts'],
    style: { head: [], border: [] },
  });
  for (const { bot, mode, role, symbol, account, workflow } of lines) {
    const phase =
      mode === 'disabled' ? pc.dim('disabled') : workflow === null ? pc.red('not answering') : workflow.phase;
    table.push([bot, phase, mode, role, symbol, account, workflow?.pid ?? '', workflow?.restarts ?? '']);
  }
  console.log(table.toString());
  for (const { bot, workflow } of lines) for (const line of troubles(bot, workflow)) console.log(line);
  if (freeBytes(context.home.root) < DISK_FREE_MIN_START_BYTES)
    console.log(
      pc.red(`the disk of ${context.home.root} is full: bots and servers stop without it`) +
        '\n  → make room (docs/runbooks/full-disk.md)',
    );
  return isHealthy ? EXIT.ok : EXIT.unhealthy;
}

/** Why a bot does not run, and what to do about it. */
function troubles(bot: string, workflow: BotWorkflowStatus | null): string[] {
  if (workflow === null) return [];
  const { gaveUp, lastExit, pid, shortRuns, risk } = workflow;
  if (gaveUp !== null) return givenUp(bot, gaveUp.reason);
  if (pid === null && lastExit !== null && shortRuns > 0)
    return [pc.yellow(`${bot} is started again (try ${shortRuns}): ${lastExit.detail || lastExit.cause}`)];
  if (risk !== null && risk.code !== null)
    return [pc.yellow(`${bot} ${LADDER[risk.level].meaning}: ${risk.code}`), `  → ./desk why ${bot}`];
  return [];
}

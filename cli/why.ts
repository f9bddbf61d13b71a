/**
 * `desk why`: why a bot quotes or does not, and how an order came to be and what became of it. The answer is the machine's own,
 * re-run on the recorded inputs; it needs the journal's files and nothing that runs.
 */
import type { Command } from 'commander';
import { holdsOf, type Hold } from '../core/supervision/holds.ts';
import { JournalDamaged } from '../journal/errors.ts';
import { ReplayImpossible } from '../journal/machine-replay.ts';
import { runningDesk } from '../stack/desk-lock.ts';
import { codeVersion } from './code-version.ts';
import type { Context } from './context.ts';
import { checkOutput, CommandFailure, EXIT, type ExitCode } from './exit-codes.ts';
import { askBot, withTemporal } from './temporal-client.ts';
import { parseInstant } from './why/instant.ts';
import { journalOfTag, openBotJournal, parseOrderId } from './why/journals.ts';
import { whyOrder, type OrderAnswer } from './why/order.ts';
import { showOrder } from './why/show-order.ts';
import { showTick } from './why/show-tick.ts';
import { showWindow } from './why/show-window.ts';
import { whyTick, type TickAnswer } from './why/tick.ts';
import { whyWindow, type WindowAnswer } from './why/window.ts';

interface WhyOptions {
  at?: string;
  from?: string;
  to?: string;
  output: string;
}

export function registerWhy(program: Command, context: Context): void {
  program
    .command('why')
    .description('why a bot trades or does not, or the life of an order: from its journal, re-run')
    .argument('<bot-or-order>', 'a bot with a journal, or a client order id of its orders')
    .option('--at <time>', 'at that time instead of now: 03:12, 2026-11-22T03:12:05Z (UTC) or -5m')
    .option('--from <time>', 'how long each reason held from then on ...')
    .option('--to <time>', '... until then (default now)')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async (subject: string, options: WhyOptions) => process.exit(await why(context, subject, options)));
}

async function why(context: Context, subject: string, options: WhyOptions): Promise<ExitCode> {
  checkOutput(options.output);
  try {
    const { answer, lines } = await answerTo(context, subject, options);
    console.log(options.output === 'json' ? JSON.stringify({ v: 1, data: answer }) : lines().join('\n'));
    return answer.verdict.agrees ? EXIT.ok : EXIT.failure;
  } catch (error) {
    if (error instanceof ReplayImpossible) throw new CommandFailure(EXIT.failure, `${subject}: ${error.message}`);
    if (error instanceof JournalDamaged)
      throw new CommandFailure(
        EXIT.failure,
        `the journal is damaged: ${error.message}. See docs/runbooks/damaged-journal.md`,
      );
    throw error;
  }
}

interface Told {
  readonly answer: (TickAnswer & { readonly holds: readonly Hold[] | null }) | WindowAnswer | OrderAnswer;
  readonly lines: () => string[];
}

async function answerTo(context: Context, subject: string, { at, from, to }: WhyOptions): Promise<Told> {
  const { home } = context;
  const nowMs = Date.now();
  const version = codeVersion(context);
  const order = parseOrderId(subject);
  if (order !== null) {
    if (at !== undefined || from !== undefined || to !== undefined)
      throw new CommandFailure(EXIT.usage, '--at, --from, --to: expected with a bot; an order has its own times');
    const answer = await whyOrder(journalOfTag(home, order, subject), subject, order, version);
    return { answer, lines: () => showOrder(answer) };
  }
  const journal = openBotJournal(home, subject);
  if (from === undefined && to === undefined) {
    const answer = await whyTick(journal, at === undefined ? null : parseInstant(at, '--at', nowMs), nowMs, version);
    const holds = at === undefined && answer.silence === null ? await holdsNow(context, answer) : null;
    return { answer: { ...answer, holds }, lines: () => showTick(answer, holds) };
  }
  if (from === undefined || at !== undefined)
    throw new CommandFailure(EXIT.usage, 'expected --at, or --from with or without --to');
  const toMs = to === undefined ? nowMs : parseInstant(to, '--to', nowMs);
  const answer = await whyWindow(journal, parseInstant(from, '--from', nowMs), toMs, version);
  return { answer, lines: () => showWindow(answer) };
}

/** What the supervisor of a running desk knows beyond the journal: which of a pause and a freeze it is, and both. */
async function holdsNow(context: Context, { bot, reason }: TickAnswer): Promise<readonly Hold[] | null> {
  const isHeld = reason === 'paused_by_operator' || reason === 'hard_stopped';
  if (!isHeld || runningDesk(context.home) === null) return null;
  return withTemporal(context, async (client) => holdsOf(await askBot(client, bot))).catch(() => null);
}

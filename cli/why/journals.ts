/** The journals of this desk's home, by bot: they are read as they lie there, whether anything runs or not. */
import { existsSync, readdirSync } from 'node:fs';
import { botJournalDir, type DeskHome } from '../../config/home.ts';
import { BotName } from '../../core/names.ts';
import { orderTag } from '../../core/orders/client-order-id.ts';
import { JournalIndex } from '../../journal/journal-index.ts';
import { CommandFailure, EXIT } from '../exit-codes.ts';
import { stamp } from './words.ts';

export interface BotJournal {
  readonly bot: BotName;
  readonly dir: string;
  /** The journal as it stood when the question was asked. */
  readonly index: JournalIndex;
}

export function botsWithJournals({ journalsDir }: DeskHome): BotName[] {
  if (!existsSync(journalsDir)) return [];
  return readdirSync(journalsDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && BotName.safeParse(entry.name).success)
    .map(({ name }) => name)
    .sort();
}

export function openBotJournal(home: DeskHome, bot: string): BotJournal {
  const bots = botsWithJournals(home);
  const found = bots.find((name) => name === bot);
  if (bots.length === 0)
    throw new CommandFailure(EXIT.failure, `no bot has a journal yet (looked in ${home.journalsDir})`);
  if (found === undefined)
    throw new CommandFailure(
      EXIT.usage,
      `why: expected a client order id or a bot with a journal (${bots.join(', ')}), was "${bot}"`,
    );
  const dir = botJournalDir(home, found);
  const index = new JournalIndex(dir);
  if (index.first === null) throw new CommandFailure(EXIT.failure, `${found}: its journal is empty (${dir})`);
  return { bot: found, dir, index };
}

/** What a client order id says of itself, without the tag of the bot that made it. */
export interface OrderName {
  readonly tag: string;
  readonly epoch: number;
  readonly intentNumber: number;
}

const ORDER_ID = /^([a-z0-9-]{1,31}_)([0-9a-z]{1,9})-([0-9a-z]{1,9})$/;

/** Null for what is no client order id of this desk. The names of bots have no underscore. */
export function parseOrderId(text: string): OrderName | null {
  const [, tag, epoch, number] = ORDER_ID.exec(text) ?? [];
  if (tag === undefined || epoch === undefined || number === undefined) return null;
  return { tag, epoch: Number.parseInt(epoch, 36), intentNumber: Number.parseInt(number, 36) };
}

/** The journal of the bot whose orders carry `tag`. */
export function journalOfTag(home: DeskHome, { tag }: OrderName, orderId: string): BotJournal {
  const bots = botsWithJournals(home);
  const bot = bots.find((name) => orderTag(name) === tag);
  if (bot === undefined)
    throw new CommandFailure(
      EXIT.failure,
      `${orderId}: no bot of this desk makes such ids; journals searched: ${bots.join(', ') || `none in ${home.journalsDir}`}`,
    );
  return openBotJournal(home, bot);
}

/** Fails for an instant that the journal does not reach back to, and for one inside a part that was lost. */
export function requireInstant({ bot, index }: BotJournal, atMs: number, option: string): void {
  const { first, losses } = index;
  if (first !== null && atMs < first.atMs)
    throw new CommandFailure(
      EXIT.usage,
      `${option}: expected no earlier than ${stamp(first.atMs)}, the first record of ${bot}, was ${stamp(atMs)}`,
    );
  const loss = losses.find(({ before, after }) => atMs < after.atMs && atMs > (before?.atMs ?? 0));
  if (loss !== undefined)
    throw new CommandFailure(
      EXIT.failure,
      `${bot}: its journal was damaged, and what it held between ${stamp(loss.before?.atMs ?? 0)} and ` +
        `${stamp(loss.after.atMs)} is lost (docs/runbooks/damaged-journal.md)`,
    );
}

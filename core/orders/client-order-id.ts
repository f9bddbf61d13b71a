import type { BotName } from '../names.ts';

const TAG_LENGTH_MAX = 18;

/** FNV-1a over UTF-16 units: short, stable, good enough to keep two long bot names apart. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** What every client order id of `bot` begins with. */
export function orderTag(bot: BotName): string {
  if (bot.length <= TAG_LENGTH_MAX) return `${bot}_`;
  return `${bot.slice(0, 10)}-${fnv1a(bot).toString(36).padStart(7, '0')}_`;
}

/**
 * The id of an intent, known before the first call and the same for every retry: (bot, epoch, intent number in that
 * epoch). At most 32 of [A-Za-z0-9_-], the narrowest form the venue's pages and refusals allow.
 */
export function clientOrderId(tag: string, epoch: number, intentNumber: number): string {
  return `${tag}${epoch.toString(36)}-${intentNumber.toString(36)}`;
}

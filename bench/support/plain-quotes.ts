/** The default desk's first bot with the plain quotes of its second: it answers to every book, whatever the market does. */
import type { BotConfig } from '../../core/bot/bot-config.ts';
import { loadConfig } from '../../config/load.ts';
import { projectRoot } from './places.ts';

/** To be laid over and parsed again. Throws where the default desk has changed. */
export function plainQuotes(): BotConfig {
  const { bots } = loadConfig(`${projectRoot}/config`);
  const first = bots.get('bot1');
  const strategy = bots.get('bot2')?.strategy;
  if (first === undefined || strategy?.name !== 'two_sided_quotes')
    throw new Error('config/bots: expected bot1, and bot2 with two_sided_quotes, as in the default desk');
  return { ...first, strategy };
}

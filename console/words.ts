/** A bot's codes in words, from the one place of each: `core/bot/reason-texts.ts` and the ladder's own meanings. Pure. */
import { REASON_TEXTS, type ReasonText } from '../core/bot/reason-texts.ts';
import { LADDER, type Level } from '../core/escalation/ladder.ts';
import type { BotSnapshot } from './stored.ts';

export interface BotWords {
  /** Why the last tick quoted or did not, and what a person can do; null for a code that this version does not know. */
  readonly reasonText: ReasonText | null;
  /** What its level of risk means, and the limit that took it there; null where all is allowed or nothing is known. */
  readonly riskText: string | null;
}

export function wordsOf(
  { reason, riskLevel, riskCode }: BotSnapshot,
  names: { bot: string; account: string },
): BotWords {
  const text = textOf(reason);
  return {
    reasonText: text === null ? null : { ...text, action: forBot(text.action, names) },
    riskText:
      riskLevel === undefined || riskLevel === 'allow' || !isLevel(riskLevel) ? null : riskText(riskLevel, riskCode),
  };
}

export function isLevel(level: string): level is Level {
  return Object.hasOwn(LADDER, level);
}

function textOf(code: string): ReasonText | null {
  return Object.hasOwn(REASON_TEXTS, code) ? REASON_TEXTS[code as keyof typeof REASON_TEXTS] : null;
}

function riskText(level: Level, code: string | null | undefined): string {
  const { meaning } = LADDER[level];
  return code === null || code === undefined ? meaning : `${meaning} (${code.replaceAll('_', ' ')})`;
}

/** Commands ready to be typed. */
function forBot(action: string, { bot, account }: { bot: string; account: string }): string {
  return action.replaceAll('<bot>', bot).replaceAll('<account>', account);
}

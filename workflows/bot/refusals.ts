/** Commands that would change nothing: refused before they come on record, with what holds the bot and what ends it. */
import { ApplicationFailure } from '@temporalio/common';
import { holdLines, holdsOf, stricterThanPause, type Held } from '../../core/supervision/holds.ts';
import { NOT_ALLOWED } from './contract.ts';

/** A resume ends a pause, and nothing stricter. */
export function refuseResume(bot: string, held: Held): void {
  const stricter = stricterThanPause(held);
  if (stricter.length > 0) throw notAllowed('not resumed, it is', ...stricter.flatMap((hold) => holdLines(bot, hold)));
}

/** While no process has told how it is, there may be something to approve. */
export function refuseApproval(bot: string, held: Held): void {
  const holds = holdsOf(held);
  const isKnown = held.gaveUp !== null || held.risk !== null;
  if (!isKnown || holds.some(({ lift }) => lift === 'approve')) return;
  if (holds.length === 0) throw notAllowed('nothing to approve: nothing holds it');
  throw notAllowed('nothing to approve, it is', ...holds.flatMap((hold) => holdLines(bot, hold)));
}

function notAllowed(...lines: string[]): ApplicationFailure {
  return ApplicationFailure.nonRetryable(lines.join('\n  '), NOT_ALLOWED);
}

/**
 * Whether the server wants this run to continue as new. Its word comes with every workflow task, also with one that leaves
 * nothing on record: an update that is refused before it is accepted. A replay never sees such a task, so a workflow that
 * acts on the word as it came with one could not be replayed, and would be stuck. It is therefore looked at only where
 * something happens that is on record: a signal, an accepted update, an answer, a timer.
 */
import { workflowInfo } from '@temporalio/workflow';

export interface RollOver {
  /** Called where something on record has just happened, and nowhere else. */
  note(): void;
  isDue(): boolean;
}

export function watchRollOver(): RollOver {
  let isDue = false;
  return {
    note: () => {
      isDue ||= workflowInfo().continueAsNewSuggested;
    },
    isDue: () => isDue,
  };
}

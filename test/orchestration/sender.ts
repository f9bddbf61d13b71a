/** Sends one message after the other, each with a reason of its own, until it is told to stop. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError } from '@temporalio/client';

export interface Sent {
  readonly reason: string;
  /** More than one where an answer never came, and it was sent again. */
  readonly tries: number;
}

const PAUSE_MS = 30;
/** One that nothing answers is a fault of what it is sent to. */
const TRIES_MAX = 200;

/** What is sent has to be acknowledged: a refusal by the workflow is an answer, and the message counts as not sent. */
export function keepSending(
  name: string,
  send: (message: { operator: string; reason: string }, number: number) => Promise<unknown>,
): { stop(): Promise<Sent[]> } {
  const sent: Sent[] = [];
  let isStopping = false;
  const run = async (): Promise<void> => {
    for (let number = 0; !isStopping; number += 1) {
      const reason = `${name} ${number}`;
      for (let tries = 1; ; tries += 1) {
        try {
          await send({ operator: 'ada', reason }, number);
          sent.push({ reason, tries });
          break;
        } catch (error) {
          if (error instanceof WorkflowUpdateFailedError) break;
          if (tries === TRIES_MAX) throw error;
          await sleep(PAUSE_MS);
        }
      }
      await sleep(PAUSE_MS);
    }
  };
  const running = run();
  // Told by `stop`; until then nobody listens.
  running.catch(() => undefined);
  return {
    async stop() {
      isStopping = true;
      await running;
      return sent;
    },
  };
}

import { sleep } from '@temporalio/workflow';

/** Not the `bot` of any recorded history: the control of the replay test. */
export async function bot(): Promise<void> {
  await sleep('1 hour');
}

/** Every recorded history replays against today's workflow code: what runs anywhere can be taken over by this build. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { builtCode } from '../support/build.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const HISTORIES = join(process.cwd(), 'test', 'histories');

interface Recorded {
  readonly type: string;
  readonly name: string;
  /** The id is not in the history, and workflow code may ask for it. */
  readonly workflowId: string;
}

const recorded: Recorded[] = readdirSync(HISTORIES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: type }) =>
    readdirSync(join(HISTORIES, type))
      .filter((file) => file.endsWith('.json'))
      .map((file) => ({ type, name: file.replace(/\.json$/, ''), workflowId: `${type}/bot1` })),
  );

function historyOf({ type, name }: Recorded): ReturnType<typeof historyFromJSON> {
  return historyFromJSON(JSON.parse(readFileSync(join(HISTORIES, type, `${name}.json`), 'utf8')));
}

test('there are histories of every workflow type', () => {
  const types = readdirSync(join(process.cwd(), 'workflows'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  for (const { name } of types) expect(recorded.map(({ type }) => type)).toContain(name);
});

test.each(recorded)(
  '$type: $name',
  async (history) => {
    const workflowBundle = { codePath: join(await builtCode(), 'workflows', 'bundle.js') };
    await Worker.runReplayHistory({ workflowBundle }, historyOf(history), history.workflowId);
  },
  60_000,
);

test('control: a workflow that does something else is caught', async () => {
  const history = recorded.find(({ type }) => type === 'bot');
  if (history === undefined) throw new Error('no history recorded');
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: join(process.cwd(), 'test', 'support', 'changed-workflows.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  await expect(Worker.runReplayHistory({ workflowBundle }, historyOf(history), history.workflowId)).rejects.toThrow(
    DeterminismViolationError,
  );
}, 60_000);

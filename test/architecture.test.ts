import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { readRoomFile, roomFiles, ROOMS, violationsOf } from './support/rooms.ts';

const ROOT = process.cwd();

test('every import stands in a room that may have it', () => {
  const files = roomFiles(ROOT);
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap((file) => violationsOf(file, readRoomFile(ROOT, file)))).toEqual([]);
});

test('every folder with code is a room of the table', () => {
  const known = [
    ...Object.keys(ROOMS),
    'test',
    'tools',
    'bench',
    'docs',
    'data',
    'node_modules',
    'dist',
    'reports',
    'coverage',
  ];
  const folders = readdirSync(ROOT, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.') && !entry.name.startsWith('dist.'),
  );
  expect(folders.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
});

test.each([
  ['core reaches for the disk', 'core/money/x.ts', `import { readFileSync } from 'node:fs';`],
  ['core reaches for another room', 'core/bot/x.ts', `import { openJournal } from '../../journal/journal.ts';`],
  ['a bot reaches for the ledger', 'bots/x.ts', `export { createLedger } from '../ledger/ledger.ts';`],
  [
    'the simulator reaches for the gateway',
    'simulator/rest/x.ts',
    `const venue = await import('../../gateway/venue.ts');`,
  ],
  [
    'a workflow takes an activity as a value',
    'workflows/bot/x.ts',
    `import { createBotActivities } from '../../activities/bots.ts';`,
  ],
  ['a workflow takes a Node module', 'workflows/bot/x.ts', `import { join } from 'node:path';`],
  ['the console takes a workflow file', 'console/x.ts', `import { bot } from '../workflows/bot/workflow.ts';`],
  ['strategy code names ccxt', 'core/strategies/x.ts', `import type { bitget } from 'ccxt';`],
  ['nobody imports a worker', 'cli/x.ts', `import { runWorker } from '../workers/worker-run.ts';`],
])('control: %s, and is named', (_name, file, text) => {
  const violations = violationsOf(file, text);
  expect(violations).toHaveLength(1);
  expect(violations[0]).toContain(`${file}:1: `);
});

test.each([
  [
    'a workflow takes an activity type',
    'workflows/bot/x.ts',
    `import type { BotActivities } from '../../activities/bots.ts';`,
  ],
  ['the command line takes a contract', 'cli/x.ts', `import { botWorkflowId } from '../workflows/bot/contract.ts';`],
])('control: %s, and may', (_name, file, text) => {
  expect(violationsOf(file, text)).toEqual([]);
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const LINES_MAX = 500;
/** An import of it, its file, or its name in code: a comment that cites it as a source is none. */
const NAMES_IT = /^(?!\s*(\*|\/\/|\/\*)).*ccxt/im;

test('little code knows ccxt: all that names it, in every room, stays small', () => {
  const naming = [
    'core',
    'gateway',
    'bots',
    'simulator',
    'workers',
    'activities',
    'journal',
    'ledger',
    'console',
    'stack',
  ]
    .flatMap((room) => readdirSync(room, { recursive: true, encoding: 'utf8' }).map((file) => join(room, file)))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }))
    .filter(({ text }) => NAMES_IT.test(text));
  expect(naming.map(({ file }) => file).sort()).toEqual(['gateway/bitget/session.ts', 'gateway/ccxt/session.ts']);
  expect(naming.reduce((lines, { text }) => lines + text.split('\n').length, 0)).toBeLessThan(LINES_MAX);
});

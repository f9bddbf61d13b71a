import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { capabilityTable } from '../../gateway/capabilities.ts';

const TABLE = /<!-- capabilities -->\n\n?([\s\S]*?)\n\n?<!-- \/capabilities -->/;

/** Prettier pads the cells of a table in a document. */
const bare = (table: string): string[] =>
  table.split('\n').map((row) =>
    row
      .replace(/\s*\|\s*/g, '|')
      .replace(/-+/g, '---')
      .trim(),
  );

test('the table of the documentation is the one that the code goes by', () => {
  const documented = TABLE.exec(readFileSync('docs/venues.md', 'utf8'))?.[1] ?? '';
  expect(bare(documented)).toEqual(bare(capabilityTable()));
});

/** What docs/contracts/evidence.md says, held against the code. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { verifyChain } from '../../../core/evidence/chain.ts';
import type { JsonValue } from '../../../core/evidence/json.ts';
import { EVIDENCE_KINDS, EvidenceRecord } from '../../../core/evidence/record.ts';
import { canonicalText, hashOf, sha256 } from '../../../ledger/evidence/hash.ts';

const page = readFileSync('docs/contracts/evidence.md', 'utf8');

function block(name: string): string {
  const [, text] = new RegExp(`\`\`\`json ${name}\n(.*)\n\`\`\``).exec(page) ?? [];
  expect(text).toBeDefined();
  return text!;
}

/** First cells of the table under these heads. */
function rowsOf(head: string): string[] {
  const [, table = ''] = page.split(`| ${head} |`);
  const rows = table.split('\n').slice(2);
  return rows
    .slice(
      0,
      rows.findIndex((row) => !row.startsWith('|')),
    )
    .map((row) => row.split('|')[1]!.trim());
}

test('the worked example: canonical texts, their hashes, and a chain of one record', () => {
  const [payload, header] = [block('payload'), block('header')];
  for (const text of [payload, header]) {
    expect(canonicalText(JSON.parse(text) as JsonValue)).toBe(text);
    expect(page).toContain(`\`${sha256(text)}\``);
  }
  const record = { ...(JSON.parse(header) as object), payload: JSON.parse(payload) as JsonValue, hash: sha256(header) };
  expect(verifyChain([record], hashOf)).toMatchObject({ ok: true, head: { number: 1, hash: sha256(header) } });
});

test('every field and every kind has its row', () => {
  expect(rowsOf('field | type | meaning')).toEqual(Object.keys(EvidenceRecord.shape).map((name) => expect.stringContaining(`\`${name}\``))); // prettier-ignore
  expect(rowsOf('kind | measured')).toEqual(EVIDENCE_KINDS.map((kind) => `\`${kind}\``));
});

/** Which events lack a row and were not accepted as lost: the query against counting one by one. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { searchGaps } from '../../ledger/integrity.ts';
import { startDatabase, type TestDatabase } from './helpers.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await startDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`select ensure_event_day('2026-03-01')`);
});
afterAll(async () => {
  await client.end();
  await database.remove();
});

const LAST = 40;
const story = fc.record({
  stored: fc.uniqueArray(fc.integer({ min: 1, max: LAST })),
  // Losses are apart, as accepting them one after the other makes them.
  losses: fc
    .uniqueArray(fc.integer({ min: 1, max: LAST }), { maxLength: 6 })
    .map((ends) => ends.sort((a, b) => a - b))
    .map((ends) => ends.flatMap((from, at) => (at % 2 === 0 ? [{ from, to: (ends[at + 1] ?? LAST + 5) - 1 }] : []))),
  since: fc.integer({ min: 0, max: LAST }),
  to: fc.integer({ min: 0, max: LAST }),
});

test('every event is a row, accepted, or in a gap; gaps are as long as they can be', async () => {
  let source = 0;
  await fc.assert(
    fc.asyncProperty(story, async ({ stored, losses, since, to }) => {
      source += 1;
      const name = `s${source}`;
      const isLost = (n: number): boolean => losses.some((loss) => loss.from <= n && n <= loss.to);
      await client.query(
        `insert into event (source, sequence, journal_sequence, epoch, cause_sequence, stream, at, correlation_id, payload)
         select $1, n, n + 5, 1, n, 'hb.order.v1', '2026-03-01T12:00:00Z', $1 || '-1-' || n, '{}' from unnest($2::bigint[]) n`,
        [name, stored],
      );
      for (const { from, to: end } of losses)
        await client.query('insert into journal_loss values ($1, $2, $3, $2, $3)', [name, from, end]);
      const expected: { fromSequence: number; toSequence: number }[] = [];
      for (let n = since + 1; n <= to; n += 1) {
        if (stored.includes(n) || isLost(n)) continue;
        const last = expected.at(-1);
        if (last?.toSequence === n - 1) last.toSequence = n;
        else expected.push({ fromSequence: n, toSequence: n });
      }
      const { gaps } = await searchGaps(client, name, { since, retiredTo: 0, to });
      expect(gaps).toEqual(expected);
    }),
    { numRuns: 150 },
  );
}, 60_000);

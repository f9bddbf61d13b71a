import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SILENT } from '../../core/log.ts';
import { LedgerGap, LedgerNewer, LedgerUnavailable } from '../../ledger/errors.ts';
import { createLedger } from '../../ledger/ledger.ts';
import {
  MIGRATIONS_DIR,
  killConnections,
  startDatabase,
  storedExactly,
  storedOf,
  writeEvents,
  writePayloads,
} from './helpers.ts';
import type { TestDatabase } from './helpers.ts';

let database: TestDatabase;
beforeAll(async () => (database = await startDatabase()));
afterAll(() => database.remove());

describe('shipping', () => {
  test('stores every field, and again is nothing new', async () => {
    const records = await writeEvents(database, 'fields', 30);
    expect(await database.ledger.ship('fields', records)).toEqual({ stored: 30, skipped: 0, eventSequence: 30 });
    expect(await database.ledger.ship('fields', records)).toEqual({ stored: 0, skipped: 30, eventSequence: 30 });
    expect(await database.ledger.ship('fields', [])).toEqual({ stored: 0, skipped: 0, eventSequence: 0 });
    expect(await storedOf(database, 'fields')).toEqual(storedExactly(30));
    const [row] = await database.query(
      `select *, extract(epoch from at) * 1000 as at_ms, stored_at > now() - interval '1 minute' as fresh
       from event where source = 'fields' and sequence = 8`,
    );
    expect(row).toMatchObject({
      journal_sequence: '10',
      epoch: '1',
      cause_sequence: '9',
      stream: 'hb.order.v1',
      correlation_id: 'fields-1-9',
      payload: { n: 8, clientOrderId: 'order-1', state: 'open' },
      fresh: true,
    });
    expect(Number(row?.['at_ms'])).toBe(1_700_000_000_008);
    const last = records.at(-1);
    expect(await database.ledger.bookmarkOf('fields')).toEqual({
      position: last?.position,
      sequence: last?.sequence,
      eventSequence: 30,
    });
    expect(await database.ledger.bookmarkOf('nobody')).toBeNull();
  });

  test('takes overlapping batches and refuses a gap, by name', async () => {
    const records = await writeEvents(database, 'gap', 60);
    await database.ledger.ship('gap', records.slice(0, 20));
    expect(await database.ledger.ship('gap', records.slice(10, 30))).toEqual({
      stored: 10,
      skipped: 10,
      eventSequence: 30,
    });
    await expect(database.ledger.ship('gap', records.slice(31))).rejects.toThrow('gap: expected event 31, got 32');
    const holed = [...records.slice(30, 40), ...records.slice(41)];
    await expect(database.ledger.ship('gap', holed)).rejects.toMatchObject({
      name: 'LedgerGap',
      expected: 41,
      got: 42,
    });
    await expect(database.ledger.ship('unheard', records.slice(1))).rejects.toThrow(LedgerGap);
    expect(await storedOf(database, 'gap')).toEqual(storedExactly(30));
  });

  test('of the same records by eight at once stores each once', async () => {
    const records = await writeEvents(database, 'crowd', 2000);
    const results = await Promise.all(Array.from({ length: 8 }, () => database.ledger.ship('crowd', records)));
    expect(results.reduce((sum, { stored }) => sum + stored, 0)).toBe(2000);
    expect(await storedOf(database, 'crowd')).toEqual(storedExactly(2000));
  });

  test('an accepted loss takes the place of its events', async () => {
    const records = await writeEvents(database, 'loss', 50);
    const loss = { fromSequence: 20, toSequence: 40, fromEventSequence: 21, toEventSequence: 30 };
    await expect(database.ledger.shipLoss('loss', loss)).rejects.toThrow(LedgerGap);
    await database.ledger.ship('loss', records.slice(0, 20));
    for (let again = 0; again < 2; again += 1) {
      expect(await database.ledger.shipLoss('loss', loss)).toEqual({ stored: 0, skipped: 0, eventSequence: 30 });
    }
    await database.ledger.ship('loss', records.slice(30));
    expect(await database.query(`select from_sequence, to_sequence from journal_loss where source = 'loss'`)).toEqual([
      { from_sequence: '21', to_sequence: '30' },
    ]);
    expect((await storedOf(database, 'loss'))['rows']).toBe(40);
  });
});

describe('payloads', () => {
  test.each([
    ['backslash and quote', 'a\\b"c\\\\d'],
    ['newline, tab, return, what COPY text calls its end', '\n\t\r\\.\n\\N'],
    ['unicode of every length', 'ü€😀\u2028\u202e'],
    ['control characters', '\u0001\u001f\u007f'],
  ])('%s come back as they were', async (name, text) => {
    const bot = name.replace(/[^a-z]+/g, '-').slice(0, 32);
    await database.ledger.ship(
      bot,
      await writePayloads(database, bot, [JSON.stringify({ text }), JSON.stringify({ [text]: 1 })]),
    );
    const rows = await database.query('select payload from event where source = $1 order by sequence', [bot]);
    expect(rows.map(({ payload }) => payload)).toEqual([{ text }, { [text]: 1 }]);
  });

  test('what jsonb cannot hold is shown, what is no JSON is kept as bytes, and neither stops the rest', async () => {
    const good = Array.from({ length: 40 }, (_, i) => JSON.stringify({ good: i }));
    const payloads = [
      ...good.slice(0, 13),
      String.raw`{"nul":"a\u0000b","kept":"\\u0000","half":"\ud800!","pair":"\ud83d\ude00","tail":"\\\udc00"}`,
      ...good.slice(13, 30),
      '{"cut":',
      new Uint8Array([0x22, 0xff, 0xfe, 0x22]),
      '{"huge":1e999999}',
      '',
      ...good.slice(30),
    ];
    const records = await writePayloads(database, 'refused', payloads);
    expect(await database.ledger.ship('refused', records)).toEqual({ stored: 45, skipped: 0, eventSequence: 45 });
    const rows = await database.query(`select payload from event where source = 'refused' order by sequence`);
    expect(rows[13]?.['payload']).toEqual({
      nul: 'a\u2400b',
      kept: '\\u0000',
      half: '\ufffd!',
      pair: '😀',
      tail: '\\\ufffd',
    });
    const unreadable = rows.slice(31, 35).map(({ payload }) => Object.values(payload as unknown as object) as string[]);
    expect(unreadable.map(([text = '']) => Buffer.from(text, 'base64'))).toEqual(
      payloads.slice(31, 35).map((payload) => Buffer.from(payload as string)),
    );
    expect(rows.filter(({ payload }) => 'good' in (payload as unknown as object))).toHaveLength(40);
  });
});

describe('a Postgres that goes away', () => {
  test('killed connections at random instants leave all or nothing of each batch', async () => {
    const records = await writeEvents(database, 'killed', 30_000);
    const endKilling = killConnections(database, (kills) => kills % 17);
    let failures = 0;
    for (let at = 0; at < records.length;) {
      try {
        at = (await database.ledger.ship('killed', records.slice(at, at + 300))).eventSequence;
      } catch (error) {
        expect(error).toBeInstanceOf(LedgerUnavailable);
        failures += 1;
        // A desk would wait; without this a killer this quick leaves no gap to ship in.
        if (failures > 60) void endKilling();
      }
    }
    expect(await endKilling()).toBeGreaterThan(0);
    expect(await storedOf(database, 'killed')).toEqual(storedExactly(30_000));
  });

  test('a server that is not there is unavailable, and told as that', async () => {
    const ledger = createLedger({
      databaseUrl: 'postgres://u:p@127.0.0.1:1/none',
      migrationsDir: MIGRATIONS_DIR,
      log: SILENT,
    });
    await expect(ledger.migrate()).rejects.toThrow(LedgerUnavailable);
    await expect(ledger.bookmarkOf('x')).rejects.toThrow(LedgerUnavailable);
    await ledger.close();
  });
});

describe('migrations', () => {
  test('many at once, and once more, are one', async () => {
    await database.query('create database several');
    const url = new URL(database.url);
    url.pathname = '/several';
    const ledgers = Array.from({ length: 4 }, () =>
      createLedger({ databaseUrl: url.href, migrationsDir: MIGRATIONS_DIR, log: SILENT }),
    );
    await Promise.all(ledgers.map((ledger) => ledger.migrate()));
    await Promise.all(ledgers.map((ledger) => ledger.close()));
  });

  test('one that fails leaves nothing behind, and a database that knows more is refused', async () => {
    await database.query('create database newer');
    const url = new URL(database.url);
    url.pathname = '/newer';
    const dir = join(database.root, 'migrations');
    mkdirSync(dir);
    cpSync(MIGRATIONS_DIR, dir, { recursive: true });
    const later = join(dir, '9999_later.sql');
    writeFileSync(later, '-- Up Migration\ncreate table later (id int);\nselect 1/0;\n');
    const of = (migrationsDir: string) => createLedger({ databaseUrl: url.href, migrationsDir, log: SILENT });
    const broken = of(dir);
    await expect(broken.migrate()).rejects.toThrow('division by zero');
    writeFileSync(later, '-- Up Migration\ncreate table later (id int);\n');
    await broken.migrate();
    await broken.close();
    const older = of(MIGRATIONS_DIR);
    await expect(older.migrate()).rejects.toThrow(LedgerNewer);
    await expect(older.ship('x', await writeEvents(database, 'newer', 1))).rejects.toThrow('9999_later');
    await older.close();
  });
});

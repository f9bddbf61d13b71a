/** The chain in a real Postgres: one at a time, once each, and nothing else gets in. */
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { verifyChain } from '../../../core/evidence/chain.ts';
import { headOf, NO_HASH, type EvidenceRecord } from '../../../core/evidence/record.ts';
import { headerOf } from '../../../core/evidence/seal.ts';
import { SILENT } from '../../../core/log.ts';
import { createPool } from '../../../ledger/connect.ts';
import { LedgerUnavailable } from '../../../ledger/errors.ts';
import { canonicalText, hashOf, sha256 } from '../../../ledger/evidence/hash.ts';
import { readKeptHeads } from '../../../ledger/evidence/heads-file.ts';
import { createEvidenceStore, EvidenceMalformed, type EvidenceStore } from '../../../ledger/evidence/store.ts';
import { EvidenceDamaged } from '../../../ledger/evidence/stored.ts';
import { draft, resealed } from '../../core/evidence/builders.ts';
import { programOf, killConnections, startDatabase, type TestDatabase } from '../helpers.ts';

let database: TestDatabase;
let writers: pg.Pool;
let readers: pg.Pool;
let headsFile: string;
let store: EvidenceStore;
beforeAll(async () => {
  database = await startDatabase();
  writers = createPool({ databaseUrl: database.url, role: 'desk_writer', connections: 4, log: SILENT });
  readers = createPool({ databaseUrl: database.url, role: 'desk_reader', connections: 1, log: SILENT });
  headsFile = join(database.root, 'evidence-heads.jsonl');
  store = createEvidenceStore({ pool: writers, headsFile, log: SILENT });
});
afterAll(async () => {
  await writers.end();
  await readers.end();
  await database.remove();
});
/** Only the owner of the database can, and has to take the guard away first. */
async function asOwner(...statements: string[]): Promise<void> {
  await database.query(
    ['alter table evidence disable trigger user', ...statements, 'alter table evidence enable trigger user'].join(';'),
  );
}
beforeEach(async () => {
  await asOwner('truncate evidence');
  rmSync(headsFile, { force: true });
});

async function appended(count: number): Promise<EvidenceRecord[]> {
  const records: EvidenceRecord[] = [];
  for (let n = 1; n <= count; n += 1) records.push(await store.append(draft({ key: `k${n}`, payload: { n } })));
  return records;
}

async function insert(record: EvidenceRecord, { key = 'forged', text = canonicalText(headerOf(record)) } = {}) {
  return writers.query('insert into evidence (key, record, payload_text, hash) values ($1, $2, $3, $4)', [
    key,
    text,
    canonicalText(record.payload),
    sha256(text),
  ]);
}

test('a chain grows from nothing, and reads back as it was appended', async () => {
  expect(await store.head()).toBeNull();
  const records = await appended(5);
  expect(records[0]).toMatchObject({ number: 1, previousHash: NO_HASH });
  expect(await store.head()).toEqual(headOf(records[4]!));
  expect(await store.list({ limit: 10 })).toEqual([...records].reverse());
  expect(await store.list({ limit: 2, before: 4 })).toEqual([records[2], records[1]]);
  expect(await store.list({ limit: 10, subject: 'bot2' })).toEqual([]);
  expect(await store.get(3)).toEqual(records[2]);
  expect(await store.get(records[3]!.hash)).toEqual(records[3]);
  expect(await store.get(6)).toBeNull();
  const paged: number[] = [];
  for await (const page of store.pages({ from: 2, to: 4 })) paged.push(...page.map(({ number }) => number));
  expect(paged).toEqual([2, 3, 4]);
  const verdict = { ok: true, records: 5, after: null, head: headOf(records[4]!) };
  expect(await store.verify({ keptHeads: readKeptHeads(headsFile).heads })).toEqual(verdict);
  expect(readKeptHeads(headsFile)).toEqual({ heads: records.map(headOf), unreadable: 0 });
  expect(await createEvidenceStore({ pool: readers, headsFile: null, log: SILENT }).verify({})).toEqual(verdict);
});

test('a key is appended once: later drafts of it answer the record that stands', async () => {
  const first = await store.append(draft({ key: 'run-1/collect' }));
  const again = await store.append(draft({ key: 'run-1/collect', payload: { gaps: 7 }, atMs: 99 }));
  expect(again).toEqual(first);
  expect(await store.append(draft({ key: 'run-2/collect' }))).toMatchObject({ number: 2, previousHash: first.hash });
});

test('every text that JSON has comes back with its hash', async () => {
  const payload = {
    'ключ \u2028"\\': ['\u007f', '😀', '', -0, 1e21, 5e-324, 1.7976931348623157e308, 0.1 + 0.2],
    '€': {},
    '\ufb33': null,
  };
  const record = await store.append(draft({ payload }));
  expect(record.payloadHash).toBe(hashOf(JSON.parse(JSON.stringify(payload)) as object as never));
  expect(await store.get(1)).toEqual({ ...record, payload: JSON.parse(JSON.stringify(payload)) as unknown });
  expect((await store.verify({})).ok).toBe(true);
});

test('what is no evidence is refused before the database hears of it', async () => {
  await expect(store.append(draft({ payload: { gaps: Number.NaN } }))).rejects.toThrow(
    new EvidenceMalformed('payload.gaps: expected a finite number, was NaN'),
  );
  await expect(store.append(draft({ payload: { x: 'x'.repeat(1024 * 1024) } }))).rejects.toThrow('payload: expected at most 1048576 bytes, was 1048584'); // prettier-ignore
  await expect(store.append(draft({ releaseId: 'a'.repeat(64) }))).rejects.toThrow('releaseId: expected the id of a recorded release manifest'); // prettier-ignore
  expect(await store.head()).toBeNull();
});

test('a release is what its manifest hashes to, and evidence can belong to it from then on', async () => {
  const payload = { codeVersion: 'abc' };
  const releaseId = hashOf(payload);
  await store.append(draft({ key: 'r', kind: 'release_manifest', codeVersion: 'abc', payload, releaseId }));
  expect(await store.releaseOf('abc')).toBe(releaseId);
  expect(await store.releaseOf('other')).toBeNull();
  expect(await store.append(draft({ key: 'e', releaseId }))).toMatchObject({ number: 2, releaseId });
  expect((await store.verify({})).ok).toBe(true);
});

describe('the table itself refuses', () => {
  test.each(['update evidence set key = key', 'delete from evidence', 'truncate evidence'])('%s', async (change) => {
    await appended(2);
    await expect(writers.query(change)).rejects.toThrow('permission denied');
    await expect(database.query(change)).rejects.toThrow('of evidence refused: what is recorded stays');
    expect((await store.verify({})).records).toBe(2);
  });

  test('a reader who writes', async () => {
    await expect(createEvidenceStore({ pool: readers, headsFile: null, log: SILENT }).append(draft())).rejects.toThrow('permission denied'); // prettier-ignore
  });

  test('forks, gaps, wrong hashes, second beginnings', async () => {
    const [one, two, three] = (await appended(3)) as [EvidenceRecord, EvidenceRecord, EvidenceRecord];
    await expect(insert(resealed(three, { subject: 'x' }))).rejects.toThrow('duplicate key');
    await expect(insert(resealed(three, { number: 4, previousHash: two.hash }))).rejects.toThrow('violates');
    await expect(insert(resealed(three, { number: 5, previousHash: three.hash }))).rejects.toThrow('evidence_follows');
    await expect(insert(resealed(three, { number: 4, previousHash: 'f'.repeat(64) }))).rejects.toThrow('evidence_follows'); // prettier-ignore
    await expect(insert(resealed(one, { number: 1 }))).rejects.toThrow('duplicate key');
    await expect(insert(resealed(one, { number: 4, previousHash: NO_HASH }))).rejects.toThrow('evidence_first');
    const next = resealed(three, { number: 4, previousHash: three.hash });
    await expect(insert({ ...next, payload: { n: 99 } })).rejects.toThrow('evidence_payload');
    const values = ['k', canonicalText(headerOf(next)), canonicalText(next.payload), 'f'.repeat(64)];
    await expect(
      writers.query('insert into evidence (key, record, payload_text, hash) values ($1, $2, $3, $4)', values),
    ).rejects.toThrow('evidence_hash');
    await expect(insert(next, { key: 'k1' })).rejects.toThrow('duplicate key');
    await insert(next);
    expect(await store.verify({})).toMatchObject({ ok: true, records: 4 });
  });
});

describe('an owner of the database who edits it is told of', () => {
  const drop =
    'alter table evidence drop constraint if exists evidence_follows, drop constraint if exists evidence_payload, drop constraint if exists evidence_hash';
  beforeAll(() => database.query(drop));
  test.each<[string, string, object]>([
    ['a payload', `update evidence set payload_text = '{"n":7}' where number = 3`, { number: 3, rule: 'payload_hash' }],
    [
      'spelling alone',
      `update evidence set payload_text = '{"n": 3}' where number = 3`,
      { number: 3, rule: 'not_canonical' },
    ],
    [
      'a record',
      `update evidence set record = replace(record, 'bot1', 'bot2') where number = 3`,
      { number: 3, rule: 'hash' },
    ],
    ['a deletion', 'delete from evidence where number = 3', { number: 3, rule: 'number', found: '4' }],
    [
      'a cut tail',
      'delete from evidence where number > 3',
      { number: 4, rule: 'kept_head', found: expect.stringContaining('record 3') },
    ],
    ['all of it', 'delete from evidence', { number: 1, rule: 'kept_head' }],
  ])('%s', async (_name, change, fault) => {
    await appended(5);
    await asOwner(change);
    const { heads } = readKeptHeads(headsFile);
    expect(await store.verify({ keptHeads: heads })).toMatchObject({ ok: false, fault });
  });

  test('a record that is none is not read as one', async () => {
    await appended(2);
    await asOwner(`update evidence set record = replace(record, 'event_store_integrity', 'wish') where number = 2`);
    await expect(store.get(2)).rejects.toThrow(EvidenceDamaged);
    await expect(store.get(2)).rejects.toThrow('record 2: kind: ');
  });
});

describe('heads beside the database', () => {
  test('a torn line stands alone and hides nothing', async () => {
    const [one] = await appended(1);
    writeFileSync(headsFile, readFileSync(headsFile, 'utf8') + '{"hash":"12');
    const two = await store.append(draft({ key: 'next' }));
    expect(readKeptHeads(headsFile)).toEqual({ heads: [headOf(one!), headOf(two)], unreadable: 1 });
  });

  test('a link in its place is refused, and the draft can be tried again', async () => {
    symlinkSync(join(database.root, 'elsewhere'), headsFile);
    await expect(store.append(draft())).rejects.toThrow('ELOOP');
    expect(existsSync(join(database.root, 'elsewhere'))).toBe(false);
    rmSync(headsFile);
    const record = await store.append(draft());
    expect(record.number).toBe(1);
    expect(readKeptHeads(headsFile).heads).toEqual([headOf(record)]);
  });
});

describe('many at once', () => {
  test('four processes, one of them killed and started again, make one chain', async () => {
    const start = await programOf('evidence/appending-program.ts', database.root);
    const run = (name: string) => start([database.url, headsFile, name, '50']);
    const names = ['p1', 'p2', 'p3', 'p4'];
    const children = names.map(run);
    while ((await store.list({ subject: 'p1', limit: 50 })).length < 5) await sleep(5);
    children[0]!.kill('SIGKILL');
    await once(children[0]!, 'exit');
    children[0] = run('p1');
    for (const child of children) if (child.exitCode === null) await once(child, 'exit');
    expect(children.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
    const { heads, unreadable } = readKeptHeads(headsFile);
    expect(await store.verify({ keptHeads: heads })).toMatchObject({ ok: true, records: 200 });
    expect(unreadable).toBe(0);
    const records = (await store.list({ limit: 1_000 })).reverse();
    expect(verifyChain(records, hashOf, { expectedHead: await store.head() })).toMatchObject({
      ok: true,
      records: 200,
    });
    for (const name of names) {
      const own = records.filter(({ subject }) => subject === name).map(({ payload }) => payload['n']);
      expect(own).toEqual(Array.from({ length: 50 }, (_, n) => n));
    }
    // They took turns, or this test says nothing.
    expect(new Set(records.slice(0, 100).map(({ subject }) => subject)).size).toBeGreaterThan(1);
  }, 120_000);

  test('connections killed at any moment leave each draft once', async () => {
    const endKilling = killConnections(database, (kills) => 10 + (kills % 31));
    const appender = async (name: string): Promise<void> => {
      for (let n = 0; n < 20;) {
        try {
          await store.append(draft({ key: `${name}/${n}`, subject: name, payload: { n } }));
          n += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(LedgerUnavailable);
        }
      }
    };
    await Promise.all(['a', 'b', 'c'].map(appender));
    expect(await endKilling()).toBeGreaterThan(0);
    expect(await store.verify({ keptHeads: readKeptHeads(headsFile).heads })).toMatchObject({ ok: true, records: 60 });
  }, 120_000);

  test.each(['lost on its way there', 'lost on its way back'] as const)('a commit %s', async (where) => {
    const relay = await startRelay(new URL(database.url));
    const url = new URL(database.url);
    url.port = String(relay.port);
    const pool = createPool({ databaseUrl: url.href, role: 'desk_writer', connections: 1, log: SILENT });
    const told: unknown[] = [];
    const warn = (_text: string, fields?: object): void => void told.push(fields);
    const relayed = createEvidenceStore({ pool, headsFile, log: { ...SILENT, warn } });
    await relayed.append(draft({ key: 'before' }));
    relay.lose(where);
    const record = await relayed.append(draft({ key: 'during' }));
    expect(told).toEqual([{ kind: 'event_store_integrity', key: 'during' }]);
    expect(record.number).toBe(2);
    expect(await store.list({ limit: 9 })).toHaveLength(2);
    expect(readKeptHeads(headsFile).heads.at(-1)).toEqual(headOf(record));
    await pool.end();
    await relay.close();
  });
});

/** Between the store and Postgres; loses one commit, and with it the connection. */
async function startRelay(to: URL) {
  let losing: 'lost on its way there' | 'lost on its way back' | null = null;
  const server = createServer((client) => {
    const upstream = connect(Number(to.port), to.hostname);
    let mute = false;
    const end = (): void => void [client.destroy(), upstream.destroy()];
    client.on('data', (data) => {
      if (losing !== null && data.includes('commit\0')) {
        if (losing === 'lost on its way there') end();
        else mute = true;
        losing = null;
      }
      if (!upstream.destroyed) upstream.write(data);
    });
    upstream.on('data', (data) => (mute ? end() : client.write(data)));
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    lose: (where: 'lost on its way there' | 'lost on its way back') => (losing = where),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

test('a database that is away is unavailable, and told as that', async () => {
  const pool = createPool({ databaseUrl: 'postgres://u:p@127.0.0.1:1/none', connections: 1, log: SILENT });
  await expect(createEvidenceStore({ pool, headsFile, log: SILENT }).append(draft())).rejects.toThrow(
    LedgerUnavailable,
  );
  expect(existsSync(headsFile)).toBe(false);
  await pool.end();
});

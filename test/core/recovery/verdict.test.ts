/** A restart's verdict against an oracle of its own: a desk made up event by event, of which a crash takes something away. */
import { describe, expect, test } from '@jest/globals';
import {
  countersOf,
  knownBy,
  lastKnownRecord,
  RestartSnapshot,
  type SourceStanding,
} from '../../../core/recovery/snapshot.ts';
import { judgeRestart, RESTART_RULES, type RestartFacts, type RestartReport } from '../../../core/recovery/verdict.ts';
import { seeded } from '../../journal/helpers.ts';

const BEFORE_MS = 1_795_000_000_000;
const HASH = 'a'.repeat(64);
const STREAMS = ['hb.fill.v1', 'hb.order.v1', 'hb.telemetry.v1'];

/** One bot as it really is: which events were journaled, which of them are rows. Records are twice as many as events. */
interface Truth {
  journaled: number;
  offset: number;
  rows: Set<number>;
  lossTo: number;
  read: number;
}

const streamOf = (event: number): string => STREAMS[event % STREAMS.length]!;

function standingOf(source: string, { journaled, offset, rows, lossTo, read }: Truth): SourceStanding {
  const to = Math.max(journaled, offset);
  const stored = [...rows].filter((event) => event <= to);
  const missing = Array.from({ length: to }, (_, index) => index + 1).filter(
    (event) => event > lossTo && !rows.has(event),
  );
  return {
    source,
    journal: {
      sequence: 2 * journaled,
      eventSequence: journaled,
      segment: '0000000000000001.journal',
      wholeBytes: 100 * journaled,
      tornBytes: 0,
      damage: null,
    },
    journalUnread: null,
    store: {
      eventOffset: offset,
      recordOffset: 2 * offset,
      storedEvents: stored.length,
      retiredEvents: 0,
      acceptedLoss: lossTo,
      lackingAtBaseline: 0,
      streams: STREAMS.map((stream) => {
        const events = stored.filter((event) => streamOf(event) === stream);
        return { stream, events: events.length, lastSequence: Math.max(0, ...events) };
      }).filter(({ events }) => events > 0),
      consumers: [{ consumer: 'projections', sequence: read }],
      checks: { gaps: missing.map((event) => ({ fromSequence: event, toSequence: event })), missingCorrelation: 0 },
    },
  };
}

function snapshotOf(label: RestartSnapshot['label'], sources: SourceStanding[], evidence = 7): RestartSnapshot {
  const head = evidence === 0 ? null : { number: evidence, hash: HASH };
  return RestartSnapshot.parse({
    version: 1,
    label,
    atMs: BEFORE_MS + (label === 'pre_restart' ? 0 : 60_000),
    codeVersion: 'd8239e7a1b2c',
    storeUnread: null,
    sources,
    evidence: { stored: head, kept: head },
    baseline: null,
  });
}

/** 100 events, all stored and read; the first 10 were given up once. */
function whole(): Truth {
  const rows = new Set(Array.from({ length: 90 }, (_, index) => index + 11));
  return { journaled: 100, offset: 100, rows, lossTo: 10, read: 100 };
}

const CHAIN = { ok: true as const, records: 7, head: { number: 7, hash: HASH } };

function judged(
  before: RestartSnapshot | null,
  after: RestartSnapshot,
  more: Partial<RestartFacts> = {},
  mode = RESTART_RULES.mode,
): RestartReport {
  const facts = { before: before === null ? [] : [knownBy(before)], torn: new Map(), after, chain: CHAIN, ...more };
  return judgeRestart(facts, { ...RESTART_RULES, mode });
}

const named = ({ findings }: RestartReport): string[] =>
  findings.map(({ code, source, counter }) => [source, code, counter].filter((part) => part !== null).join(' '));

const before = snapshotOf('pre_restart', [standingOf('bot1', whole()), standingOf('bot2', whole())]);

/** `bot1` after a change; `bot2` as it was. */
function after(change: (standing: SourceStanding) => SourceStanding, evidence = 7): RestartSnapshot {
  return snapshotOf('post_restart', [change(standingOf('bot1', whole())), standingOf('bot2', whole())], evidence);
}

describe('what went back', () => {
  test('nothing did where nothing is less', () => {
    expect(
      judged(
        before,
        after((one) => one),
      ),
    ).toMatchObject({ pass: true, findings: [], max_delta_observed: 0 });
  });

  const turned: [string, (standing: SourceStanding) => SourceStanding][] = [
    ['journal_records', (one) => ({ ...one, journal: { ...one.journal!, sequence: 199 } })],
    ['journal_events', (one) => ({ ...one, journal: { ...one.journal!, eventSequence: 99 } })],
    ['event_offset', (one) => ({ ...one, store: { ...one.store!, eventOffset: 99 } })],
    ['record_offset', (one) => ({ ...one, store: { ...one.store!, recordOffset: 199 } })],
    ['stored_events', (one) => ({ ...one, store: { ...one.store!, storedEvents: 89 } })],
    ['accepted_loss', (one) => ({ ...one, store: { ...one.store!, acceptedLoss: 9 } })],
    ['consumer:projections', (one) => ({ ...one, store: { ...one.store!, consumers: [] } })],
    ...STREAMS.map((stream, index): [string, (standing: SourceStanding) => SourceStanding] => [
      `stream:${stream}`,
      (one) => ({
        ...one,
        store: { ...one.store!, streams: one.store!.streams.map((told, at) => (at === index ? { ...told, events: told.events - 1 } : told)) }, // prettier-ignore
      }),
    ]),
  ];
  test.each(turned)('%s turned back by one is named, of that bot alone', (counter, change) => {
    const report = judged(before, after(change));
    expect(report.pass).toBe(false);
    expect(named(report)).toContain(`bot1 counter_back ${counter}`);
    expect(report.findings.filter(({ code }) => code === 'counter_back')).toHaveLength(1);
    expect(named(report).every((name) => name.startsWith('bot1 '))).toBe(true);
  });

  test('every counter that a snapshot has is among those, so none is forgotten', () => {
    const names = new Set(countersOf(before).map(({ counter }) => counter));
    expect([...names].sort()).toEqual(
      [...turned.map(([counter]) => counter), 'retired_events', 'evidence_stored', 'evidence_kept'].sort(),
    );
  });

  test('a shorter chain, and a kept head that is gone', () => {
    expect(named(judged(before, after((one) => one, 6)))).toEqual(['counter_back evidence_stored', 'counter_back evidence_kept']); // prettier-ignore
    expect(
      judged(
        before,
        after((one) => one, 8),
      ).pass,
    ).toBe(true);
  });

  test('a bot of which nothing is left', () => {
    const report = judged(before, snapshotOf('post_restart', [standingOf('bot2', whole())]));
    expect(named(report)).toEqual(expect.arrayContaining(['bot1 counter_back journal_events', 'bot1 counter_back event_offset'])); // prettier-ignore
  });

  test('the most that anybody knew counts, and who knew it is told', () => {
    const integrity = {
      what: 'event_store_integrity',
      atMs: BEFORE_MS - 1,
      counters: [{ source: 'bot1', counter: 'journal_events' as const, value: 130 }],
    };
    const report = judged(
      before,
      after((one) => one),
      { before: [knownBy(before), integrity] },
    );
    expect(report.findings).toEqual([
      { code: 'counter_back', source: 'bot1', counter: 'journal_events', measured: 100, expected: 130, detail: 'event_store_integrity' }, // prettier-ignore
    ]);
    expect(lastKnownRecord([knownBy(before)], 'bot1')).toBe(200);
    expect(lastKnownRecord([knownBy(before)], 'bot9')).toBe(0);
  });

  test('rows that retention dropped went for a reason, as many as it dropped', () => {
    const drop = (retired: number, fewer: number) => (one: SourceStanding) => ({
      ...one,
      store: {
        ...one.store!,
        retiredEvents: retired,
        streams: one.store!.streams.map((told, at) => (at === 0 ? { ...told, events: told.events - fewer } : told)),
      },
    });
    expect(judged(before, after(drop(3, 3))).pass).toBe(true);
    expect(named(judged(before, after(drop(3, 4))))).toEqual([`bot1 counter_back stream:${STREAMS[0]}`]);
  });
});

describe('what is missing', () => {
  const lacking = (events: number, more: Partial<NonNullable<SourceStanding['store']>> = {}) =>
    after((one) => ({ ...one, store: { ...one.store!, storedEvents: 90 - events, checks: null, ...more } }));
  test.each([
    ['as many as the tolerance pass', 5, true],
    ['one more fails', 6, false],
  ] as const)('%s', (_name, events, pass) => {
    const report = judged(null, lacking(events));
    expect(report).toMatchObject({ pass, max_delta_observed: events });
    expect(named(report)).toEqual(pass ? [] : ['bot1 delta']);
    if (pass) expect(report.notes).toContainEqual({ code: 'on_its_way', source: 'bot1', amount: events });
  });

  test('rows too many are as bad as rows too few', () => {
    expect(named(judged(null, lacking(-6)))).toEqual(['bot1 delta']);
  });

  test("what was missing at the baseline is the baseline's, and an absolute judgement counts it", () => {
    const snapshot = lacking(30, { lackingAtBaseline: 28 });
    expect(judged(null, snapshot)).toMatchObject({ pass: true, mode: 'since_baseline', max_delta_observed: 2 });
    expect(judged(null, snapshot, {}, 'absolute')).toMatchObject({
      pass: false,
      mode: 'absolute',
      max_delta_observed: 30,
    });
    expect(judged(null, lacking(4, { lackingAtBaseline: 28 })).pass).toBe(false);
  });

  test('a hole behind the offset is lost, however small; one in front of it is on its way', () => {
    const gap = (event: number, offset: number): RestartSnapshot =>
      after((one) => ({
        ...one,
        store: { ...one.store!, eventOffset: offset, storedEvents: 89, checks: { gaps: [{ fromSequence: event, toSequence: event }], missingCorrelation: 0 } }, // prettier-ignore
      }));
    expect(named(judged(null, gap(50, 99)))).toEqual(['bot1 gap']);
    expect(named(judged(null, gap(100, 99)))).toEqual([]);
  });

  test('a stored event without a correlation id', () => {
    const report = judged(null, lacking(0, { checks: { gaps: [], missingCorrelation: 1 } }));
    expect(named(report)).toEqual(['bot1 missing_correlation']);
  });

  test('a journal that the store is ahead of, damaged or not', () => {
    const short = (damage: { file: string; sequence: number; reason: string } | null) =>
      after((one) => ({ ...one, journal: { ...one.journal!, sequence: 160, eventSequence: 80, damage } }));
    expect(named(judged(null, short(null)))).toEqual(['bot1 store_ahead']);
    expect(named(judged(null, short({ file: 'x', sequence: 161, reason: 'bad' })))).toEqual(['bot1 journal_damaged', 'bot1 store_ahead']); // prettier-ignore
  });

  test('a journal or a store that could not be asked is no pass', () => {
    const unread = after((one) => ({ ...one, journal: null, journalUnread: 'EIO' }));
    expect(named(judged(before, unread))).toEqual(['bot1 journal_unread']);
    const away = { ...after((one) => ({ ...one, store: null })), storeUnread: 'connection refused' };
    const report = judged(before, { ...away, evidence: { stored: null, kept: away.evidence.kept } }, { chain: null });
    expect(named(report)).toEqual(['store_unread']);
  });

  test('a broken chain', () => {
    const fault = { number: 3, rule: 'hash', expected: 'a', found: 'b' };
    expect(
      named(
        judged(
          before,
          after((one) => one),
          { chain: { ok: false, records: 2, fault } },
        ),
      ),
    ).toEqual(['chain_broken']);
  });
});

test('what nobody was told of, and what a person gave up, is told and no fault', () => {
  const { pass, notes } = judged(before, after((one) => one), { torn: new Map([['bot1', 77], ['bot2', 0]]) }); // prettier-ignore
  expect(pass).toBe(true);
  expect(notes).toContainEqual({ code: 'torn_tail', source: 'bot1', amount: 77 });
  expect(notes).toContainEqual({ code: 'accepted_loss', source: 'bot1', amount: 10 });
});

test('a piece of a record at the end of a journal that is too short was acknowledged', () => {
  const short = after((one) => ({ ...one, journal: { ...one.journal!, sequence: 160, eventSequence: 80 } }));
  const { notes } = judged(before, short, { torn: new Map([['bot1', 77]]) });
  expect(notes.map(({ code }) => code)).not.toContain('torn_tail');
});

/**
 * The oracle knows the events themselves. A restart is clean when the journal has all that it had, every event up to the
 * offset has its row or was given up, and no more than the tolerance are on their way.
 */
test('two thousand random crashes: the verdict is the one that the events themselves give', () => {
  const seed = 20_261_123;
  const below = seeded(seed);
  const random = (): number => below(1_000) / 1_000;
  const upTo = (most: number): number => below(most + 1);
  let clean = 0;
  for (let round = 0; round < 2_000; round += 1) {
    const then = whole();
    const now: Truth = { ...whole(), rows: new Set(then.rows) };
    // The desk went on for a while, and then the crash took something, or nothing.
    for (let event = 101; event <= 100 + upTo(12); event += 1) {
      now.journaled = event;
      if (random() < 0.8) {
        for (let row = now.offset + 1; row <= event; row += 1) now.rows.add(row);
        now.offset = event;
      }
    }
    if (random() < 0.3) now.journaled -= upTo(20);
    if (random() < 0.3) now.rows.delete(11 + upTo(90));
    if (random() < 0.2) now.offset = Math.min(now.offset, 90 + upTo(20));
    if (random() < 0.2) now.read -= upTo(3);

    const all = Math.max(now.journaled, now.offset);
    const absent = Array.from({ length: all - now.lossTo }, (_, index) => now.lossTo + index + 1).filter((event) => !now.rows.has(event)); // prettier-ignore
    const isClean =
      now.journaled >= then.journaled &&
      now.journaled >= now.offset &&
      now.offset >= then.offset &&
      now.read >= then.read &&
      absent.every((event) => event > now.offset) &&
      [...then.rows].every((event) => now.rows.has(event)) &&
      absent.length <= 5;
    const report = judged(
      snapshotOf('pre_restart', [standingOf('bot1', then)]),
      snapshotOf('post_restart', [standingOf('bot1', now)]),
    );
    if (report.pass !== isClean) throw new Error(`seed ${seed}, round ${round}: ${JSON.stringify({ ...now, rows: now.rows.size, absent, isClean, findings: named(report) })}`); // prettier-ignore
    if (isClean) clean += 1;
  }
  expect(clean).toBeGreaterThan(200);
  expect(clean).toBeLessThan(1_800);
});

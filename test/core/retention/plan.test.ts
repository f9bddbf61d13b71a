/** What may go: tables at the edges, and over random desks the law that nothing goes that is not held elsewhere. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backupsToKeep } from '../../../core/retention/backups.ts';
import { retentionPayload } from '../../../core/retention/evidence.ts';
import type { ArchiveFacts, BackupFacts, JournalFacts, RetentionFacts, SegmentFacts } from '../../../core/retention/facts.ts'; // prettier-ignore
import { planRetention, targetName, type RetentionTarget } from '../../../core/retention/plan.ts';
import { RetentionPolicy } from '../../../core/retention/policy.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 23, 12);
const ago = (days: number): number => NOW - days * DAY_MS;
const dayOf = (days: number): string => new Date(ago(days)).toISOString().slice(0, 10);
const fileOf = (sequence: number): string => `${String(sequence).padStart(16, '0')}.journal`;

const POLICY: RetentionPolicy = {
  version: 1,
  scheduled: 'plan',
  journals: { archiveAfterDays: 7, keepSegments: 2 },
  archives: { removeAfterDays: 100 },
  events: { dropAfterDays: 30, keepDays: 3 },
  reports: { removeAfterDays: 10 },
  logs: { removeAfterDays: 10 },
  backups: { keepLast: 1, keepDaily: 2, keepWeekly: 2 },
};

/** Segments of ten records each, five of them events. */
function segments(count: number, daysOld: number): SegmentFacts[] {
  return Array.from({ length: count }, (_, at) => ({
    file: fileOf(at * 10 + 1),
    bytes: 1_000,
    writtenAtMs: ago(daysOld),
    firstSequence: at * 10 + 1,
    lastSequence: at === count - 1 ? null : at * 10 + 10,
    lastEventSequence: at === count - 1 ? null : at * 5 + 5,
  }));
}

function journal(change: Partial<JournalFacts> = {}): JournalFacts {
  const stored = { sequence: 60, eventSequence: 30, segment: fileOf(51) };
  return { bot: 'bot1', segments: segments(6, 8), stored, neededFrom: 55, isQuarantined: false, ...change };
}

function archive(at: number, change: Partial<ArchiveFacts> = {}): ArchiveFacts {
  return {
    bot: 'bot1',
    file: `${fileOf(at * 10 + 1)}.gz`,
    bytes: 100,
    writtenAtMs: ago(50),
    firstSequence: at * 10 + 1,
    lastSequence: at * 10 + 10,
    eventSequenceBefore: at * 5,
    lastEventSequence: at * 5 + 5,
    ...change,
  };
}

function facts(change: Partial<RetentionFacts> = {}): RetentionFacts {
  return { nowMs: NOW, journals: [], archives: [], eventDays: [], consumers: [], reports: [], logs: [], backups: [], ...change }; // prettier-ignore
}

const planned = (given: Partial<RetentionFacts>, policy = POLICY) => {
  const { items, held } = planRetention(policy, facts(given));
  return { items: items.map(({ target }) => targetName(target)), held: held.map(({ why }) => why) };
};
const names = (count: number): string[] => segments(count, 8).map(({ file }) => `journals/bot1/${file}`);

describe('segments', () => {
  test.each([
    ['stored and old: all but the newest that stay', journal(), names(4), null],
    ['younger than the policy', journal({ segments: segments(6, 7) }), [], null],
    ['nothing stored', journal({ stored: null }), [], 'nothing of this bot'],
    ['stored halfway', journal({ stored: { sequence: 25, eventSequence: 12, segment: fileOf(21) } }), names(2), 'not wholly stored'], // prettier-ignore
    ['records passed, an event not', journal({ stored: { sequence: 60, eventSequence: 14, segment: fileOf(51) } }), names(2), 'not wholly stored'], // prettier-ignore
    ['shipping goes on from an older one', journal({ stored: { sequence: 60, eventSequence: 30, segment: fileOf(11) } }), names(1), 'shipping goes on'], // prettier-ignore
    ['needed by a restart', journal({ neededFrom: 30 }), names(2), 'recovers from record 30'],
    ['no snapshot is known', journal({ neededFrom: 1 }), [], 'recovers from record 1'],
    ['one is quarantined', journal({ isQuarantined: true }), [], 'quarantined'],
    ['an end that nobody knows', journal({ segments: segments(6, 8).map((each) => ({ ...each, lastSequence: null })) }), [], 'not known'], // prettier-ignore
  ])('%s', (_name, given, items, held) => {
    const plan = planned({ journals: [given] });
    expect(plan.items).toEqual(items);
    if (held === null) expect(plan.held).toEqual([]);
    else expect(plan.held[0]).toContain(held);
  });
});

describe('days of events', () => {
  const range = { source: 'bot1', events: 10, firstSequence: 6, lastSequence: 15 };
  const days = [40, 2, 1, 0].map((old) => ({ day: dayOf(old), bytes: 5, sources: old > 30 ? [range] : null }));
  const good = {
    journals: [journal({ segments: [] })],
    archives: [0, 1, 2].map((at) => archive(at)),
    eventDays: days,
    consumers: ['projections', 'parquet'].map((consumer) => ({ consumer, source: 'bot1', sequence: 15 })),
  };
  test.each([
    ['archived and read by all', good, null],
    ['a reader one behind', { ...good, consumers: [...good.consumers, { consumer: 'x', source: 'bot1', sequence: 14 }] }, 'x has read'], // prettier-ignore
    ['nobody reads it', { ...good, consumers: [] }, 'no reader'],
    ['the last segment is missing', { ...good, archives: [archive(0), archive(1)] }, 'not all archived'],
    ['a segment between is missing', { ...good, archives: [archive(0), archive(1), archive(3)] }, 'not all archived'],
    ['the first segment is missing', { ...good, archives: [archive(2)] }, 'not all archived'],
    ['the journal is not there', { ...good, journals: [] }, 'not known to be stored'],
    ['nobody counted it', { ...good, eventDays: days.map((day) => ({ ...day, sources: null })) }, 'not counted'],
  ])('%s', (_name, given, held) => {
    const plan = planned(given);
    expect(plan.items.filter((name) => name.startsWith('events'))).toEqual(
      held === null ? [`events of ${dayOf(40)}`] : [],
    );
    if (held !== null) expect(plan.held.join()).toContain(held);
  });

  test('the newest stay, however old, and with never all of them', () => {
    expect(planned({ ...good, eventDays: days.slice(0, 3) }).items).toEqual([]);
    const never = { ...POLICY, events: { ...POLICY.events, dropAfterDays: null } };
    expect(planned(good, never).items).toEqual([]);
  });
});

test('an archive goes when the newest backup holds its events', () => {
  const backup = (name: string, daysOld: number, lastSequence: number): BackupFacts => ({
    name,
    bytes: 1,
    finishedAtMs: ago(daysOld),
    sources: [{ source: 'bot1', lastSequence }],
  });
  const archives = [archive(0, { writtenAtMs: ago(101) }), archive(1, { writtenAtMs: ago(101) }), archive(2)];
  expect(planned({ archives }).held).toEqual(['no backup holds its events', 'no backup holds its events']);
  const plan = planned({ archives, backups: [backup('a', 2, 100), backup('b', 1, 5)] });
  expect(plan.items).toEqual([`archive/bot1/${fileOf(1)}.gz`]);
});

test('reports and logs go by their age, the newest of a family never', () => {
  const report = (file: string, daysOld: number) => ({
    family: file.split('/')[0]!,
    file,
    bytes: 1,
    writtenAtMs: ago(daysOld),
  });
  const reports = [report('a/1', 30), report('a/2', 20), report('b/1', 30), report('a/3', 9)];
  const logs = [report('desk.log.1', 11), report('desk.log.2', 9)];
  expect(planned({ reports, logs }).items).toEqual(['reports/a/1', 'reports/a/2', 'logs/desk.log.1']);
});

test('backups: the last few, the last of a day, the last of a week', () => {
  const at = (text: string) => ({ name: text, finishedAtMs: Date.parse(`${text}Z`) });
  const all = ['2026-11-23T03:00', '2026-11-22T23:00', '2026-11-22T03:00', '2026-11-21T03:00', '2026-11-16T03:00', '2026-11-15T23:59', '2026-11-15T03:00', '2026-10-01T00:00'].map(at); // prettier-ignore
  const keep = (keepLast: number, keepDaily: number, keepWeekly: number) =>
    [...backupsToKeep({ keepLast, keepDaily, keepWeekly }, all)].sort().reverse();
  expect(keep(1, 0, 0)).toEqual(['2026-11-23T03:00']);
  expect(keep(1, 3, 0)).toEqual(['2026-11-23T03:00', '2026-11-22T23:00', '2026-11-21T03:00']);
  // Weeks begin on Monday: the 23rd and the 16th are Mondays. Those without a backup are not counted.
  expect(keep(1, 0, 4)).toEqual(['2026-11-23T03:00', '2026-11-22T23:00', '2026-11-15T23:59', '2026-10-01T00:00']);
});

test('over random desks nothing goes that is not held elsewhere', () => {
  const small = fc.integer({ min: 0, max: 60 });
  const someFacts = fc.record({
    nowMs: fc.constant(NOW),
    journals: fc.array(
      fc.record({
        bot: fc.constantFrom('bot1', 'bot2'),
        segments: fc.tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 12 })).map(([count, old]) => segments(count, old)), // prettier-ignore
        stored: fc.option(fc.record({ sequence: small, eventSequence: small, segment: fc.constantFrom('', ...[1, 11, 21, 31, 41, 51].map(fileOf)) })), // prettier-ignore
        neededFrom: small,
        isQuarantined: fc.boolean(),
      }),
      { maxLength: 2 },
    ),
    archives: fc
      .uniqueArray(fc.integer({ min: 0, max: 6 }), { maxLength: 7 })
      .chain((places) =>
        fc.constantFrom(5, 150).map((old) => places.map((at) => archive(at, { writtenAtMs: ago(old) }))),
      ),
    eventDays: fc.uniqueArray(fc.integer({ min: 0, max: 50 }), { maxLength: 8 }).chain((ages) =>
      fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 9 })).map(
        ([firstSequence, more]) =>
        ages.map((old) => ({ day: dayOf(old), bytes: 1, sources: [{ source: 'bot1', events: more + 1, firstSequence, lastSequence: firstSequence + more }] })), // prettier-ignore
      ),
    ),
    consumers: fc.array(
      fc.record({ consumer: fc.constantFrom('a', 'b'), source: fc.constant('bot1'), sequence: small }),
    ),
    reports: fc.constant([]),
    logs: fc.constant([]),
    backups: fc.array(fc.record({ name: fc.string(), bytes: small, finishedAtMs: small.map(ago), sources: fc.constant([{ source: 'bot1', lastSequence: 20 }]) })), // prettier-ignore
  });
  const seen: Record<string, number> = {};
  fc.assert(
    fc.property(someFacts, (given) => {
      const { items } = planRetention(POLICY, given);
      for (const { target } of items) {
        seen[target.action] = (seen[target.action] ?? 0) + 1;
        checkIsHeld(target, given);
      }
    }),
    { numRuns: 20_000 },
  );
  // The law was not kept by doing nothing.
  expect(Object.keys(seen).sort()).toEqual(['archive_segment', 'drop_event_day', 'remove_archive', 'remove_backup']);
}, 120_000);

/** The law, said again without the plan's own functions: number by number. */
function checkIsHeld(
  target: RetentionTarget,
  { journals, archives, eventDays, consumers, backups }: RetentionFacts,
): void {
  switch (target.action) {
    case 'archive_segment': {
      const fits = journals.filter(({ bot, segments: own, stored, neededFrom, isQuarantined }) => {
        const at = own.findIndex(({ file }) => file === target.file);
        const segment = own[at];
        if (bot !== target.bot || segment === undefined || stored === null || isQuarantined) return false;
        const isPassed = segment.lastSequence! <= stored.sequence && segment.lastEventSequence! <= stored.eventSequence;
        return isPassed && target.file < stored.segment && segment.lastSequence! < neededFrom && own.length - at > 2 && segment.writtenAtMs < ago(7); // prettier-ignore
      });
      expect(fits.length).toBeGreaterThan(0);
      return;
    }
    case 'drop_event_day': {
      expect(eventDays.filter(({ day }) => day > target.day).length).toBeGreaterThanOrEqual(3);
      for (const { firstSequence, lastSequence } of eventDays.find(({ day }) => day === target.day)!.sources!) {
        for (let n = firstSequence; n <= lastSequence; n += 1)
          expect(archives.some((each) => n > each.eventSequenceBefore && n <= each.lastEventSequence)).toBe(true);
        expect(consumers.length).toBeGreaterThan(0);
        for (const { sequence } of consumers) expect(sequence).toBeGreaterThanOrEqual(lastSequence);
      }
      return;
    }
    case 'remove_archive': {
      const newest = Math.max(...backups.map(({ finishedAtMs }) => finishedAtMs));
      const { lastEventSequence } = archives.find(({ file }) => file === target.file)!;
      const holds = backups
        .filter(({ finishedAtMs }) => finishedAtMs === newest)
        .map(({ sources }) => sources[0]!.lastSequence);
      expect(holds.some((last) => last >= lastEventSequence)).toBe(true);
      return;
    }
    case 'remove_backup':
      expect(backups.some(({ name, finishedAtMs }) => name !== target.name && finishedAtMs >= Math.max(...backups.map((each) => each.finishedAtMs)))).toBe(true); // prettier-ignore
      return;
    default:
      throw new Error(`not expected: ${target.action}`);
  }
}

test('a policy that drops what is not archived yet is a fault at its path', () => {
  const paths = (change: object) =>
    RetentionPolicy.safeParse({ ...POLICY, ...change }).error?.issues.map(({ path }) => path.join('.'));
  expect(paths({})).toBeUndefined();
  expect(paths({ events: { dropAfterDays: 7, keepDays: 3 } })).toEqual(['events.dropAfterDays']);
  const never = { dropAfterDays: null, keepDays: 3 };
  expect(paths({ archives: { removeAfterDays: 7 }, events: never })).toEqual(['archives.removeAfterDays']);
  expect(paths({ archives: { removeAfterDays: 8 }, events: never })).toBeUndefined();
  expect(paths({ archives: { removeAfterDays: 30 } })).toEqual(['archives.removeAfterDays']);
  expect(paths({ journals: { archiveAfterDays: 0, keepSegments: 1 }, logs: {} })).toEqual(['journals.archiveAfterDays', 'journals.keepSegments', 'logs.removeAfterDays']); // prettier-ignore
});

test('evidence of a run counts all and names the first of them', () => {
  const result = { target: { action: 'remove_log', file: 'x.log.1' } as const, done: true, why: 'old', bytes: 2 };
  const results = [...Array.from({ length: 2_100 }, () => result), { ...result, done: false, why: 'damaged' }];
  const payload = retentionPayload({ operator: 'ann', reason: 'weekly' }, POLICY, 0, results);
  expect(payload).toMatchObject({ done: 2_100, bytes: 4_200, refused: 1, held: 0, operator: 'ann' });
  expect(payload['items']).toHaveLength(2_000);
});

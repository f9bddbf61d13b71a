import { describe, expect, test } from '@jest/globals';
import {
  applyClocks,
  beginAgreement,
  ClockFacts,
  disagreementText,
  provenMs,
  type ClockAgreement,
} from '../../../core/gates/clock-agreement.ts';
import { takes } from '../schemas.ts';

const T0 = 1_900_000_000_000;
const TOLERANCE_MS = 5_000;

/** All clocks `ms` on, and then what is different. */
function clocks(ms: number, change: Partial<ClockFacts> = {}): ClockFacts {
  return { workflowMs: T0 + ms, hostMs: T0 + ms, monotonicMs: 70 + ms, processId: 'a', venueMs: T0 + ms, timeSkips: 0, ...change }; // prettier-ignore
}

function agreementOf(...readings: readonly ClockFacts[]): ClockAgreement {
  return readings
    .slice(1)
    .reduce((all, one) => applyClocks(all, one, TOLERANCE_MS), beginAgreement(readings[0]!, TOLERANCE_MS));
}

const codesOf = (...readings: readonly ClockFacts[]): string[] =>
  agreementOf(...readings).disagreements.map(({ code }) => code);

describe('clocks', () => {
  test.each([
    ['that agree', [clocks(0), clocks(900_000)], []],
    ['of a host 5 s ahead of the server', [clocks(0, { hostMs: T0 + 5_000 })], []],
    ['of a host more than 5 s ahead', [clocks(0, { hostMs: T0 + 5_001, venueMs: T0 + 5_001 })], ['host_off_server']],
    ['of a host more than 5 s behind', [clocks(0, { hostMs: T0 - 5_001, venueMs: T0 })], ['host_off_server', 'venue_off_host']], // prettier-ignore
    ['of a venue 5 s off', [clocks(0, { venueMs: T0 - 5_000 })], []],
    ['of a venue more than 5 s ahead', [clocks(0, { venueMs: T0 + 5_001 })], ['venue_off_host']],
    ['of a venue more than 5 s behind', [clocks(0, { venueMs: T0 - 5_001 })], ['venue_off_host']],
    ['without a venue', [clocks(0, { venueMs: null })], ['venue_time_missing']],
    ['of a server that skips', [clocks(0), clocks(900_000, { timeSkips: 1 })], ['time_skipped']],
    ['of a process that stood still for 5 s', [clocks(0), clocks(900_000, { monotonicMs: 895_070 })], []],
    ['of a process that stood still for longer', [clocks(0), clocks(900_000, { monotonicMs: 895_069 })], ['clocks_advance_apart']], // prettier-ignore
    ['of a process that ran ahead', [clocks(0), clocks(900_000, { monotonicMs: 905_071 })], ['clocks_advance_apart']],
    [
      'that creep apart, none of them far from the next one',
      [clocks(0, { venueMs: T0 - 3_000 }), clocks(900_000, { venueMs: T0 + 902_001 })],
      ['clocks_advance_apart'],
    ],
    [
      'that creep apart a little with each reading',
      [clocks(0), clocks(900_000, { monotonicMs: 903_070 }), clocks(1_800_000, { monotonicMs: 1_806_070 })],
      ['clocks_advance_apart'],
    ],
    [
      'of server and host that were set together',
      [clocks(0), clocks(900_000, { workflowMs: T0 + 4_500_000, hostMs: T0 + 4_500_000 })],
      ['venue_off_host', 'clocks_advance_apart'],
    ],
    ['of a process that began anew', [clocks(0), clocks(900_000, { processId: 'b', monotonicMs: 3 })], []],
    [
      'that creep apart after a restart',
      [
        clocks(0),
        clocks(900_000, { processId: 'b', monotonicMs: 3 }),
        clocks(1_800_000, { processId: 'b', monotonicMs: 905_004 }),
      ],
      ['clocks_advance_apart'],
    ],
    [
      'that were set behind a restart',
      [clocks(0, { venueMs: T0 + 3_000 }), clocks(900_000, { processId: 'b', monotonicMs: 3, venueMs: T0 + 897_999 })],
      ['clocks_advance_apart'],
    ],
  ] as const)('%s', (_name, readings, codes) => expect(codesOf(...readings)).toEqual(codes));

  test('that disagreed once are said to, whatever they show later, with what was measured first', () => {
    const off = clocks(60_000, { venueMs: null });
    const { disagreements } = agreementOf(clocks(0), off, clocks(120_000), clocks(180_000, { venueMs: null }));
    expect(disagreements).toEqual([{ code: 'venue_time_missing', atMs: T0 + 60_000, measured: null, limit: 5_000 }]);
  });

  test('are told in words', () => {
    const { disagreements } = agreementOf(
      clocks(0, { venueMs: null }),
      clocks(0, { hostMs: T0 + 6_000, venueMs: T0 - 1_000, timeSkips: 2 }),
    );
    expect(disagreements.map(disagreementText)).toEqual([
      "the venue's time was not known",
      "the host's clock was 6000 ms off the server's, allowed 5000",
      "the venue's clock was 7000 ms off the host's, allowed 5000",
      'the clocks moved on by amounts 6000 ms apart, allowed 5000',
      'the server skipped time (2 skips)',
    ]);
  });
});

describe('the time between two readings is', () => {
  test.each([
    ['what all of them say', {}, 900_000],
    ['what the slowest says: the server', { workflowMs: T0 + 1 }, 1],
    ['what the slowest says: the host', { hostMs: T0 + 2 }, 2],
    ['what the slowest says: the process', { monotonicMs: 73 }, 3],
    ['what the slowest says: the venue', { venueMs: T0 + 4 }, 4],
    ['nothing where a clock was set back', { hostMs: T0 - 5 }, 0],
    ['what the venue saw of it across a restart', { processId: 'b', monotonicMs: 0, venueMs: T0 + 6 }, 6],
    ['what the process saw of it without a venue', { venueMs: null, monotonicMs: 77 }, 7],
    ['nothing where neither was there', { processId: 'b', venueMs: null }, 0],
  ] as const)('%s', (_name, change, ms) => expect(provenMs(clocks(0), clocks(900_000, change))).toBe(ms));

  test('not what the venue says whose time was unknown before', () => {
    expect(provenMs(clocks(0, { venueMs: null }), clocks(900_000, { processId: 'b' }))).toBe(0);
  });
});

test.each(['workflowMs', 'hostMs', 'monotonicMs', 'timeSkips'] as const)(
  '%s is a whole number, not below 0',
  (name) => {
    for (const value of [0, 5]) expect(takes(ClockFacts, clocks(0, { [name]: value }))).toBe(true);
    for (const value of [-1, 0.5, NaN, Infinity, null, '5']) expect(takes(ClockFacts, { ...clocks(0), [name]: value })).toBe(false); // prettier-ignore
  },
);

test('an instant has a date, and a process has a name', () => {
  expect(takes(ClockFacts, clocks(0, { venueMs: 253_402_300_799_999 }))).toBe(true);
  expect(takes(ClockFacts, clocks(0, { venueMs: 253_402_300_800_000 }))).toBe(false);
  for (const processId of ['', 'x'.repeat(129)]) expect(takes(ClockFacts, clocks(0, { processId }))).toBe(false);
  expect(takes(ClockFacts, clocks(0, { processId: 'x'.repeat(128) }))).toBe(true);
});

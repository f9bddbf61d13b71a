import { expect, test } from '@jest/globals';
import { reportOf } from '../../../core/gates/day2/report.ts';
import { statusOf } from '../../../core/gates/day2/status.ts';
import { Gate, gateAfter, MINUTE_MS, RULES, soundFacts, soundSource, START_MS } from './day2-run.ts';

const at = (minutes: number): number => START_MS + minutes * MINUTE_MS;

test('a GO in JSON carries the status, the rules and the sources', () => {
  const { state } = gateAfter(1_440).look(1_455);
  const { json } = reportOf(state, at(1_456));
  expect(json).toEqual({
    kind: 'day2_gate',
    version: 1,
    madeAtMs: at(1_456),
    ...statusOf(state, at(1_456)),
    rules: RULES,
    sources: [{ source: 'bot1', delta: 0, missingCorrelation: 0 }],
  });
  expect(json.go).toBe(true);
});

test('a GO as people read it', () => {
  expect(reportOf(gateAfter(1_440).state, at(1_441)).markdown).toBe(`# Day-2 gate: GO

Baseline of 2028-02-28 22:17:03 UTC; counting since 2028-02-28 22:17:03 UTC; 24.00 hours without a break, as evaluated 2028-02-29 22:17:03 UTC. Largest delta since the baseline: 0.

| check | passed | measured | limit |
| --- | --: | --: | --: |
| elapsed\\_window | yes | 86400000 | 86400000 |
| missing\\_correlation | yes | 0 | 0 |
| delta\\_since\\_baseline\\_tolerance | yes | 0 | 5 |

## Sources since the baseline

| source | delta | without correlation id |
| --- | --: | --: |
| bot1 | 0 | 0 |
`);
});

test('a NO-GO says why, and nothing that people typed breaks out of it', () => {
  const gate = gateAfter(15).lookAt(30, { storedEvents: 1_000, newestEventAtMs: null });
  for (let turn = 0; turn < 50; turn++) {
    gate.look(45 + turn * 30);
    gate.tell({ kind: 'evaluationFailed', atMs: at(60 + turn * 30), why: 'no <b>database</b>' });
  }
  const minutes = 45 + 50 * 30;
  const change = {
    sources: [soundSource(at(minutes), 'bot1', { storedEvents: 1_000, missingCorrelation: 3 })],
    scenario: 'made_up',
    clock: { ...soundFacts(0, at(minutes)).clock, timeSkips: 2 },
  };
  gate.look(minutes, change);
  gate.tell({ kind: 'paused', atMs: at(minutes + 1), operator: 'a|da', reason: 'look:\n# GO\n**now**' });
  const { markdown } = reportOf(gate.state, at(minutes + 1));
  const [head, resets] = markdown.split('## Why the clock was reset');
  expect(head).toBe(`# Day-2 gate: NO-GO

Baseline of 2028-02-28 22:17:03 UTC; the clock stands still; 0.00 hours without a break, as evaluated 2028-03-01 00:02:03 UTC. Largest delta since the baseline: 92700.

**A rehearsal, which earns nothing: the facts were made up by scenario made\\_up; the server skipped time (2 skips), at 2028-03-01 00:02:03 UTC.**

**Held at NO-GO by a\\|da since 2028-03-01 00:03:03 UTC: look: # GO \\*\\*now\\*\\***

| check | passed | measured | limit |
| --- | --: | --: | --: |
| elapsed\\_window | no | 0 | 86400000 |
| missing\\_correlation | no | 3 | 0 |
| delta\\_since\\_baseline\\_tolerance | no | 92700 | 5 |

## Why the clock stands still

| what | since |
| --- | --: |
| bot1: the store fell back from 91900 events to 1000 | 2028-03-01 00:02:03 UTC |
| bot1: 3 events without a correlation id since the baseline | 2028-03-01 00:02:03 UTC |
| bot1: journal and store are 92700 events apart since the baseline, allowed 5 | 2028-03-01 00:02:03 UTC |

`);
  expect(resets).toMatch(/^\n\n\| what \| at \|\n\| --- \| --: \|\n\| /);
  expect(resets).toContain('| the evaluation failed: no \\<b\\>database\\</b\\> | 2028-02-29');
  expect(resets).toContain('\n\nBefore that: 1 time delta_over_tolerance, 3 times evaluation_failed, 1 time source_stale, 1 time store_backwards.\n\n'); // prettier-ignore
});

test('hours are never rounded up', () => {
  const gate = gateAfter(1_425).look(1_440 - 1 / 60_000);
  expect(reportOf(gate.state, at(1_440)).markdown).toContain('23.99 hours without a break');
});

test('without a baseline there is nothing to tell', () => {
  const { markdown, json } = reportOf(new Gate().state, START_MS);
  expect(markdown).toContain('# Day-2 gate: NO-GO\n\nThere is no baseline yet.\n\n');
  expect(markdown).toContain('| elapsed\\_window | no | – | 86400000 |');
  expect(json.sources).toEqual([]);
});

import { describe, expect, test } from '@jest/globals';
import { gistOf } from '../../../core/evidence/gist.ts';
import type { JsonObject } from '../../../core/evidence/json.ts';
import { EVIDENCE_KINDS } from '../../../core/evidence/record.ts';
import { reportOf } from '../../../core/gates/day2/report.ts';
import { DAY2_POLICY } from '../../../core/gates/day2/rules.ts';
import { blankDay2 } from '../../../core/gates/day2/state.ts';

const plain = (value: object): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

describe('the gist of a record', () => {
  test.each([
    ['event_store_integrity', { pass: true, findings: [] }, 'pass', 'whole'],
    [
      'market_data_freshness',
      { pass: false, findings: [{ code: 'not_listened' }, { code: 'stale' }, { code: 'stale' }] },
      'fail',
      '3 findings: not listened, stale',
    ],
    ['restart_regression', { pass: false, findings: [{ code: 'counter_back' }] }, 'fail', '1 finding: counter back'],
    ['database_backup', { backup: 'b1', bytes: 2_340_000, restoreTest: null }, 'pass', 'b1, 2.3 MB'],
    [
      'database_backup',
      { backup: 'b1', bytes: 2_340_000, restoreTest: { ok: false } },
      'fail',
      'b1, 2.3 MB, restore test failed',
    ],
    ['retention', { done: 3, refused: 1, held: 2 }, 'fail', '3 done, 1 refused, 2 kept waiting'],
    ['baseline_freeze', { operator: 'ada', reason: 'all whole' }, null, 'ada: all whole'],
  ] as const)('%s %j', (kind, payload, verdict, text) => {
    expect(gistOf(kind, plain(payload))).toEqual({ verdict, text });
  });

  const gate = { go: false, hoursElapsed: 3.251, rules: { windowMs: 86_400_000 }, standing: [], paused: null };
  test.each([
    [gate, 'fail', 'NO-GO, 3.25 of 24 h'],
    [{ ...gate, go: true, hoursElapsed: 24 }, 'pass', 'GO, 24.00 of 24 h'],
    [{ ...gate, standing: [{ text: 'bot1 is silent' }] }, 'fail', 'NO-GO, 3.25 of 24 h; bot1 is silent'],
    [
      { ...gate, standing: [{ text: 'x' }], paused: { operator: 'ada', reason: 'looks' } },
      'fail',
      'NO-GO, 3.25 of 24 h; held by ada: looks',
    ],
  ])('a gate: %j', (payload, verdict, text) => {
    expect(gistOf('day2_gate', payload)).toEqual({ verdict, text });
  });

  test("a gate's own report is known", () => {
    const { json } = reportOf(blankDay2(DAY2_POLICY), 1_000);
    expect(gistOf('day2_gate', plain(json))).toMatchObject({
      verdict: 'fail',
      text: expect.stringContaining('NO-GO, 0.00 of 24 h'),
    });
  });

  test.each(EVIDENCE_KINDS)('a %s of another form says nothing and passes nothing', (kind) => {
    for (const payload of [{}, { pass: 'yes', go: 1 }])
      expect(gistOf(kind, payload)).toEqual({ verdict: null, text: '' });
  });
});

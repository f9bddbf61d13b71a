/** The invariants of what goes on record before it is done; docs/invariants.md says why they are as they are. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Effects, type Effect } from '../../../core/bot/effects.ts';
import type { ExecutionIntentEvent, RiskDenialEvent } from '../../../core/bot/events.ts';
import { INTENT_KINDS, recordDenial, recordIntent } from '../../../core/bot/intents.ts';
import { DENIAL_TEXTS } from '../../../core/bot/reason-texts.ts';
import { InvariantError } from '../../../core/invariant.ts';
import { RecordKind } from '../../../core/events/record.ts';
import { botConfig, T0 } from '../../support/bots.ts';
import { action, play } from './stories.ts';

/** The split itself, written down a second time: a new kind of intent is sorted here, too. */
const ACTIVE = ['place', 'kill_switch'];
const STANDING = ['cancel', 'place_stop', 'cancel_stop'];
/** No intent is worth doing later than this. */
const LIFETIME_MS_MAX = 60_000;
/** What leaves, by the record that has to be there just before it. */
const RECORDED_AS: Readonly<Record<string, string>> = {
  place: 'place',
  cancel: 'cancel',
  placeStop: 'place_stop',
  cancelStop: 'cancel_stop',
};

const risk = { ...botConfig().risk, protectiveStopEnabled: true };
const CONFIGS = [
  ['one order at a time: the second one is denied', botConfig({ risk: { ...risk, ordersActiveMax: 1 } })],
  [
    'a few cancels are one too many',
    botConfig({ risk: { ...risk, cancelsPerMinuteMax: 4, cancelBudgetBreachesMax: 1 } }),
  ],
  ['hedge', botConfig({ risk, positionMode: 'hedge', hedgeInventoryRatio: 0.5 })],
] as const;

function idOf(effect: Effect): string | undefined {
  if (effect.effect === 'place') return effect.intent.clientOrderId;
  if (effect.effect === 'placeStop') return effect.stop.clientOrderId;
  return 'clientOrderId' in effect ? effect.clientOrderId : undefined;
}

/** Every intent and denial of one step, held against the invariants; their types are added to `seen`. */
function check(effects: readonly Effect[], atMs: number, seen: Map<string, number>): void {
  effects.forEach((effect, index) => {
    const recordedAs = RECORDED_AS[effect.effect];
    if (recordedAs !== undefined) {
      const before = effects[index - 1];
      expect(before).toMatchObject({ effect: 'record', event: { type: recordedAs, clientOrderId: idOf(effect) } });
      if (effect.effect === 'place')
        expect(before).toMatchObject({ event: { expiresAtMs: effect.intent.expiresAtMs } });
    }
    if (effect.effect !== 'record') return;
    const { kind, event } = effect;
    if (kind === RecordKind.executionIntentEvent) {
      expect([...ACTIVE, ...STANDING]).toContain(event.type);
      const { expiresAtMs } = event as { expiresAtMs?: number };
      if (STANDING.includes(event.type)) expect(event).not.toHaveProperty('expiresAtMs');
      else {
        expect(Number.isSafeInteger(expiresAtMs)).toBe(true);
        expect(expiresAtMs).toBeGreaterThan(atMs);
        expect(expiresAtMs).toBeLessThanOrEqual(atMs + LIFETIME_MS_MAX);
      }
    } else if (kind === RecordKind.riskDecisionEvent) {
      const { type, code, measured, limit } = event as RiskDenialEvent;
      expect(type).toBe('denied');
      expect(DENIAL_TEXTS[code].means).toMatch(/./);
      expect([Number.isFinite(measured), Number.isFinite(limit)]).toEqual([true, true]);
    } else return;
    seen.set(event.type, (seen.get(event.type) ?? 0) + 1);
  });
}

test('intent_expiry_present_for_active_actions and risk_denied_reason_present, whatever happens', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.constantFrom(...CONFIGS),
      fc.array(action, { minLength: 20, maxLength: 150 }),
      ([, config], actions) => {
        play(config, actions, () => {}, (effects, { nowMs }) => check(effects, nowMs, seen)); // prettier-ignore
      },
    ),
    { numRuns: 150 },
  );
  // Each of them came up.
  expect([...seen.keys()].sort()).toEqual([...ACTIVE, ...STANDING, 'denied'].sort());
});

test('active is what may open or enlarge, or strike later; what takes away or protects stands until it is done', () => {
  const kinds = Object.entries(INTENT_KINDS);
  expect(kinds.flatMap(([type, kind]) => (kind === 'active' ? [type] : []))).toEqual(ACTIVE);
  expect(kinds.flatMap(([type, kind]) => (kind === 'standing' ? [type] : []))).toEqual(STANDING);
});

describe('a break of', () => {
  const record = (event: object) => () => recordIntent(event as ExecutionIntentEvent, T0, new Effects());
  const broken = (rule: string) => expect.objectContaining({ name: 'InvariantError', message: rule });

  test.each([
    ['an order without an expiry', { type: 'place' }],
    ['... whose expiry is now', { type: 'place', expiresAtMs: T0 }],
    ['... is none', { type: 'place', expiresAtMs: NaN }],
    ['... or never', { type: 'place', expiresAtMs: Infinity }],
    ['a kill switch that was due before', { type: 'kill_switch', expiresAtMs: T0 - 1 }],
    ['a cancel that is given up some time', { type: 'cancel', expiresAtMs: T0 + 1 }],
    ['a stop that is given up some time', { type: 'place_stop', expiresAtMs: T0 + 1 }],
  ])('intent_expiry_present_for_active_actions stops the bot: %s', (_name, event) => {
    expect(record(event)).toThrow(InvariantError);
    expect(record(event)).toThrow(broken('intent_expiry_present_for_active_actions'));
  });

  test.each([[undefined], [''], ['because'], ['toString']])('risk_denied_reason_present stops the bot: %p', (code) => {
    const denial = { type: 'denied', clientOrderId: 'x', side: 'buy', code, measured: 1, limit: 1 };
    const effects = new Effects();
    expect(() => recordDenial(denial as RiskDenialEvent, effects)).toThrow(broken('risk_denied_reason_present'));
    expect(effects.list).toEqual([]);
  });
});

/** Without a broker a bot has turns of its own. What takes risk away must get one before its call is given up. */
import { expect, test } from '@jest/globals';
import { loadConfig } from '../../config/load.ts';
import { createTurnTrains, nextTurnAtMs, planTurns } from '../../core/rates/turns.ts';
import { BITGET_LIMITS, type BitgetRateGroup } from '../../gateway/bitget/limits.ts';

/** As in `gateway/bitget/venue.ts` and `bots/sweep.ts`. */
const CALL_DEADLINE_MS = 10_000;
const SWEEP_MS = 8_000;

function longestWaitMs(group: BitgetRateGroup, share: { index: number; of: number }): number {
  const train = createTurnTrains(BITGET_LIMITS)[group];
  const turn = nextTurnAtMs(train, share, 0);
  return nextTurnAtMs(train, share, Math.floor(turn / train.everyMs)) - turn;
}

test('each bot of the shipped desk can clear its book before its sweep is given up', () => {
  const bots = [...loadConfig('config').bots.values()];
  const { shareOf } = planTurns(bots, BITGET_LIMITS);
  for (const share of shareOf.values()) expect(longestWaitMs('cancel_symbol', share)).toBeLessThan(SWEEP_MS);
});

test.each(['cancel', 'cancel_trigger', 'cancel_symbol', 'tpsl', 'read'] as const)(
  'twenty bots of one account: %s has its turn before the call is given up',
  (group) => {
    const bots = Array.from({ length: 20 }, (_, n) => ({ bot: `bot${n}`, account: 'one' }));
    const { shareOf } = planTurns(bots, BITGET_LIMITS);
    for (const share of shareOf.values()) expect(longestWaitMs(group, share)).toBeLessThan(CALL_DEADLINE_MS);
  },
);

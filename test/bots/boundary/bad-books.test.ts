/**
 * No quote from a book that is stale, gapped or wrong: the bot's book channel is disturbed while the market jumps; a second
 * client hears an undisturbed channel. Each order must be explained by a book that the venue really had a moment before.
 */
import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { until } from '../../support/desk.ts';
import type { AdminFault } from '../../simulator/admin.ts';
import { IS_LONG_RUN, tellProof } from './trials.ts';
import { BUSY, withWorld } from './world.ts';

const RUN_MS = IS_LONG_RUN ? 120_000 : 4_000;
/** A book that broke again and again is asked for ever less often, once a minute at last. */
const BACK_MS = 90_000;
/** How old the book of a decision may be: what the bot's configuration allows, and the way of a frame. */
const BOOK_AGE_MS_MAX = 1_500;
const WAY_MS = 500;
const HALF_SPREAD_RATIO = 0.5e-4;
/** The market jumps by more than any quote is wide, and comes back to a price only when every order from it is too old. */
const JUMP_TICKS = 400;
const JUMPS = 6;
const JUMP_MS = 700;
const TICK = 0.1;

const where = { channel: 'books' } as const;
const when = { probability: 0.1 } as const;
const FAULTS: readonly [string, AdminFault][] = [
  ['lost', { kind: 'gap', frames: 2, where, when }],
  ['in the wrong order', { kind: 'reorder', where, when }],
  ['twice', { kind: 'duplicate', where, when }],
  ['with another size at the best bid', { kind: 'corrupt', what: 'level', where, when }],
  ['with a broken sequence', { kind: 'corrupt', what: 'sequence', where, when }],
  ['that are no JSON', { kind: 'corrupt', what: 'json', where, when }],
  ['late by longer than a book may be old', { kind: 'delay_frames', ms: 2_500, where, when: { every: 20 } }],
  ['not at all, on an open socket', { kind: 'silent', pong: true, where }],
];

interface Top {
  readonly atMs: number;
  readonly bid: number;
  readonly ask: number;
}

/** Every best bid and ask as the venue had them, by the clock of this process. */
function hearTops(port: number): { tops: Top[]; close(): void } {
  const tops: Top[] = [];
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v2/ws/public`);
  socket.on('open', () => {
    const args = [{ instType: 'USDT-FUTURES', channel: 'books1', instId: 'BTCUSDT' }];
    socket.send(JSON.stringify({ op: 'subscribe', args }));
  });
  socket.on('message', (data: Buffer) => {
    const { data: rows } = JSON.parse(data.toString()) as { data?: { bids: [string][]; asks: [string][] }[] };
    const [row] = rows ?? [];
    const [bid, ask] = [Number(row?.bids[0]?.[0]), Number(row?.asks[0]?.[0])];
    if (bid > 0 && ask > 0) tops.push({ atMs: Date.now(), bid, ask });
  });
  return { tops, close: () => socket.close() };
}

function isExplained(tops: readonly Top[], side: 'buy' | 'sell', price: number, atMs: number): boolean {
  // The top that held when the window opened counts as well.
  const from = tops.findLastIndex((top) => top.atMs <= atMs - BOOK_AGE_MS_MAX - WAY_MS);
  return tops.slice(Math.max(0, from)).some((top) => {
    if (top.atMs > atMs + WAY_MS) return false;
    const mid = (top.bid + top.ask) / 2;
    const wanted = side === 'buy' ? mid * (1 - HALF_SPREAD_RATIO) : mid * (1 + HALF_SPREAD_RATIO);
    return Math.abs(price - wanted) <= 2 * TICK;
  });
}

test.each(FAULTS)(
  'book frames %s: every order is explained by a true book',
  async (name, fault) => {
    const strategy = { ...BUSY.strategy, skewBps: 0 };
    const risk = { ...BUSY.risk, bookAgeMsMax: BOOK_AGE_MS_MAX };
    await withWorld({ config: { strategy, risk } }, async ({ admin, bot, port }) => {
      const truth = hearTops(port);
      await bot.quoting();
      await admin.faults({ seed: 3, faults: [fault] });
      const untilMs = performance.now() + RUN_MS;
      for (let jump = 0; performance.now() < untilMs; jump += 1) {
        const ticks = jump % JUMPS === JUMPS - 1 ? -(JUMPS - 1) * JUMP_TICKS : JUMP_TICKS;
        await admin.call('POST', '/price', { symbol: 'BTCUSDT', ticks });
        await sleep(JUMP_MS);
      }
      const [report] = await admin.report();
      const places = (await bot.events()).filter((event) => event.type === 'place');
      await admin.clear();
      truth.close();
      const bad = places.filter(({ side, price, expiresAtMs }) => {
        // An intent lives for two seconds from its decision.
        return !isExplained(truth.tops, side, Number(price), expiresAtMs - 2_000);
      });
      const found = { struck: report!.struck, orders: places.length };
      tellProof({ promise: 'P18', proof: `book frames ${name}`, trials: report!.struck, failures: bad.length, found });
      expect(bad).toEqual([]);
      expect(report!.struck).toBeGreaterThan(0);
      expect(places.length).toBeGreaterThan(1);
      if (IS_LONG_RUN) await until('it to quote again', () => bot.runtime.status().reason === 'quoted', BACK_MS);
    });
  },
  RUN_MS + 120_000,
);

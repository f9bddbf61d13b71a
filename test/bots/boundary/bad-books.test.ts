/**
 * No quote from a book that is stale, gapped or wrong: the bot's book channel is disturbed while the market jumps; a second
 * client hears an undisturbed channel. Each order must be explained by a book that the venue really had a moment before.
 */
import { expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { until } from '../../support/desk.ts';
import type { AdminFault } from '../../simulator/admin.ts';
import { IS_LONG_RUN, tellProof } from '../../support/trials.ts';
import { BUSY, withWorld, type BoundaryEvent, type BoundaryWorld } from './world.ts';

const BOTS = IS_LONG_RUN ? 12 : 1;
/**
 * The fault comes and goes: a book that breaks again and again is asked for ever less often, and a
 * bot without a book has nothing to be wrong about.
 */
const ROUNDS = IS_LONG_RUN ? 6 : 1;
const FAULT_MS = 4_000;
const RIGHT_MS = IS_LONG_RUN ? 11_000 : 0;
/** Bots of one process share its budget of connections: past twenty, one every ten seconds. */
const BACK_MS = 300_000;
/** How old the book of a decision may be: what the bot's configuration allows, and the way of a frame. */
const BOOK_AGE_MS_MAX = 1_500;
const WAY_MS = 500;
/** An intent lives for so long from its decision. */
const INTENT_MS = 2_000;
const HALF_SPREAD_RATIO = 0.5e-4;
/** The market jumps by more than any quote is wide, and comes back to a price only when every order from it is too old. */
const JUMP_TICKS = 400;
const JUMPS = 6;
const JUMP_MS = 700;
const TICK = 0.1;

const where = { channel: 'books' } as const;
/** A round of the long run strikes each bot about once. */
const when = { probability: IS_LONG_RUN ? 0.02 : 0.1 } as const;
const FAULTS: readonly [string, AdminFault][] = [
  ['lost', { kind: 'gap', frames: 2, where, when }],
  ['in the wrong order', { kind: 'reorder', where, when }],
  ['twice', { kind: 'duplicate', where, when }],
  ['with another size at the best bid', { kind: 'corrupt', what: 'level', where, when }],
  ['with a broken sequence', { kind: 'corrupt', what: 'sequence', where, when }],
  ['that are no JSON', { kind: 'corrupt', what: 'json', where, when }],
  [
    'late by longer than a book may be old',
    { kind: 'delay_frames', ms: 2_500, where, when: { every: IS_LONG_RUN ? 60 : 20 } },
  ],
  ['not at all, on an open socket', { kind: 'silent', pong: true, where }],
];

type PlaceEvent = Extract<BoundaryEvent, { type: 'place' }>;

/** What the venue answers to a jump: its own word, while a busy process may be late to push it. */
interface Told {
  readonly atMs: number;
  readonly bid: string;
  readonly ask: string;
}

interface Top {
  readonly atMs: number;
  readonly bid: number;
  readonly ask: number;
}

/** Every best bid and ask as the venue had them, at the venue's time: when the judge comes to hear of it does not count. */
function hearTops(port: number): { tops: Top[]; close(): void } {
  const tops: Top[] = [];
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v2/ws/public`);
  socket.on('open', () => {
    const args = [{ instType: 'USDT-FUTURES', channel: 'books1', instId: 'BTCUSDT' }];
    socket.send(JSON.stringify({ op: 'subscribe', args }));
  });
  socket.on('message', (data: Buffer) => {
    const { data: rows } = JSON.parse(data.toString()) as {
      data?: { bids: [string][]; asks: [string][]; ts: string }[];
    };
    const [row] = rows ?? [];
    const [bid, ask] = [Number(row?.bids[0]?.[0]), Number(row?.asks[0]?.[0])];
    if (bid > 0 && ask > 0) tops.push({ atMs: Number(row?.ts), bid, ask });
  });
  return { tops, close: () => socket.close() };
}

/** A quote around a mid that the venue had in the window, or passed on its way from one push to the next. */
function isExplained(tops: readonly Top[], side: 'buy' | 'sell', price: number, atMs: number): boolean {
  const wantedMid = side === 'buy' ? price / (1 - HALF_SPREAD_RATIO) : price / (1 + HALF_SPREAD_RATIO);
  // The top that held when the window opened counts as well.
  const from = Math.max(
    0,
    tops.findLastIndex((top) => top.atMs <= atMs - BOOK_AGE_MS_MAX - WAY_MS),
  );
  for (let i = from; i < tops.length && tops[i]!.atMs <= atMs + WAY_MS; i += 1) {
    const mid = midOf(tops[i]!);
    const next = midOf(tops[i + 1] ?? tops[i]!);
    // A jump passes nothing on its way.
    const isJump = Math.abs(next - mid) > (JUMP_TICKS * TICK) / 2;
    const [low, high] = isJump ? [mid, mid] : [Math.min(mid, next), Math.max(mid, next)];
    if (wantedMid >= low - 2 * TICK && wantedMid <= high + 2 * TICK) return true;
  }
  return false;
}

const midOf = ({ bid, ask }: Top): number => (bid + ask) / 2;

/** An order, and every top of the time around it by its age. */
function explained(tops: readonly Top[], { side, price, expiresAtMs }: PlaceEvent): string {
  const atMs = expiresAtMs - INTENT_MS;
  const near = tops.filter((top) => top.atMs > atMs - 3_000 && top.atMs < atMs + WAY_MS);
  return `${side} ${price} of ${near.map((top) => `${top.bid}/${top.ask} ${atMs - top.atMs} ms`).join(', ')}`;
}

test.each(FAULTS)(
  'book frames %s: every order is explained by a true book',
  async (name, fault) => {
    const strategy = { ...BUSY.strategy, skewBps: 0 };
    // In this market everybody loses, and nobody is to leave it for that.
    const anyLoss = { dailyLossQuoteMax: '100000', drawdownSoftPct: 100, drawdownHardPct: 100 };
    const risk = { ...BUSY.risk, ...anyLoss, bookAgeMsMax: BOOK_AGE_MS_MAX };
    let truth!: ReturnType<typeof hearTops>;
    // Before the first bot hears of a book.
    const before = async ({ port }: BoundaryWorld): Promise<void> => {
      truth = hearTops(port);
      await until('the true book', () => truth.tops.length > 0);
    };
    await withWorld({ bots: BOTS, config: { strategy, risk }, before }, async ({ admin, bots }) => {
      for (const bot of bots) await bot.quoting();
      let struck = 0;
      let jump = 0;
      const jumpFor = async (runMs: number): Promise<void> => {
        for (const untilMs = performance.now() + runMs; performance.now() < untilMs; jump += 1) {
          const ticks = jump % JUMPS === JUMPS - 1 ? -(JUMPS - 1) * JUMP_TICKS : JUMP_TICKS;
          const top = await admin.call<Told>('POST', '/price', { symbol: 'BTCUSDT', ticks });
          const [bid, ask, moved] = [Number(top.bid), Number(top.ask), ticks * TICK];
          // What the market had come to when it jumped was told nobody but by a push of that very moment.
          truth.tops.push({ atMs: top.atMs - 1, bid: bid - moved, ask: ask - moved }, { atMs: top.atMs, bid, ask });
          await sleep(JUMP_MS);
        }
      };
      for (let round = 0; round < ROUNDS; round += 1) {
        await admin.faults({ seed: 3 + round, faults: [fault] });
        await jumpFor(FAULT_MS);
        struck += (await admin.report())[0]!.struck;
        await admin.clear();
        await jumpFor(RIGHT_MS);
      }
      const events = (await Promise.all(bots.map((bot) => bot.events()))).flat();
      const places = events.filter((event) => event.type === 'place');
      // What the last decision may have known is heard by then.
      await sleep(WAY_MS);
      truth.close();
      truth.tops.sort((a, b) => a.atMs - b.atMs);
      const bad = places.filter(({ side, price, expiresAtMs }) => {
        return !isExplained(truth.tops, side, Number(price), expiresAtMs - INTENT_MS);
      });
      const found = { struck };
      const examples = bad.slice(0, 5).map((order) => explained(truth.tops, order));
      const proof = `book frames ${name}`;
      tellProof({ promise: 'P18', proof, trials: places.length, failures: bad.length, found, examples });
      expect(bad).toEqual([]);
      expect(struck).toBeGreaterThan(0);
      expect(places.length).toBeGreaterThan(1);
      for (const { account, runtime } of IS_LONG_RUN ? bots : [])
        await until(
          `${account} to quote again`,
          () => {
            const { reason } = runtime.status();
            if (reason === 'quoted') return true;
            throw new Error(reason);
          },
          BACK_MS,
        );
    });
  },
  ROUNDS * (FAULT_MS + RIGHT_MS) + 240_000,
);

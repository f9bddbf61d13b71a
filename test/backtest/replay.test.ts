import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { derivedBars } from '../../backtest/derived-bars.ts';
import { replayIntoJournal } from '../../backtest/journaled-replay.ts';
import { SequenceCounter, type ReplayRecorder } from '../../backtest/recorder.ts';
import { Replay, runReplay, type ReplayOptions } from '../../backtest/replay.ts';
import type { ReplayResult } from '../../backtest/tally.ts';
import type { BotEvent } from '../../core/bot/events.ts';
import type { BotInput } from '../../core/bot/input.ts';
import { decodeInput, encodeInput } from '../../core/bot/input-codec.ts';
import { stateHash } from '../../core/bot/state.ts';
import { RecordKind } from '../../core/events/record.ts';
import { LatencyParams, NO_LATENCY } from '../../core/fill-model/latency.ts';
import { SILENT } from '../../core/log.ts';
import { BOOK_DEPTH } from '../../core/market/book.ts';
import { formatQuote, parseQuote, parseScaled } from '../../core/money/decimal.ts';
import type { QuoteAmount } from '../../core/money/money.ts';
import { MarketReplay } from '../../core/recording/market-replay.ts';
import { replayJournal } from '../../journal/machine-replay.ts';
import { botConfig } from '../support/bots.ts';
import { feedNamed, scratchDir } from './harness.ts';

const { feed, instrument } = feedNamed('btcusdt-20240808');
/** A part with trades enough, so that each replay is short. */
const PART = { feed, instrument, fromMs: 20_000, toMs: 110_000 };
const WAYS = LatencyParams.parse({ submitMs: 40, cancelMs: 60, feedMs: 25, jitterMs: 30 });
const TIGHT = { ...botConfig().strategy, halfSpreadBps: 0.5, requoteBps: 0.3, requoteMsMin: 200 };
const LOOSE_LIMITS = { ...botConfig().risk, cancelsPerMinuteMax: 600, orderRejectsPerMinuteMax: 600 };
const config = botConfig({ strategy: TIGHT, risk: LOOSE_LIMITS });

interface Told {
  readonly inputs: BotInput[];
  readonly events: { readonly event: BotEvent; readonly atMs: number; readonly cause: number }[];
  readonly result: ReplayResult;
}

/** Notes inputs as a journal would bring them back. */
class Notes implements ReplayRecorder {
  readonly inputs: BotInput[] = [];
  readonly events: Told['events'] = [];
  private readonly counter = new SequenceCounter();

  input(input: BotInput): number {
    const sequence = this.counter.input();
    this.inputs.push(decodeInput(input.kind, sequence, input.atMs, encodeInput(input).slice()));
    return sequence;
  }

  event(_kind: RecordKind, cause: number, atMs: number, event: BotEvent): void {
    this.counter.event();
    this.events.push({ event, atMs, cause });
  }
}

function replayed(options: Partial<ReplayOptions> = {}): Told {
  const recorder = new Notes();
  const result = runReplay({ ...PART, config, latency: WAYS, recorder, ...options });
  return { inputs: recorder.inputs, events: recorder.events, result };
}

function outcome({ speed: _speed, ...rest }: ReplayResult): Omit<ReplayResult, 'speed'> {
  return rest;
}

function ofType<T extends BotEvent['type']>({ events }: Told, type: T): Extract<BotEvent, { type: T }>[] {
  return events.flatMap(({ event }) => (event.type === type ? [event as Extract<BotEvent, { type: T }>] : []));
}

let told: Told;
beforeAll(() => {
  told = replayed();
});

describe('a replay is a function of what it is given', () => {
  test('it trades, or the laws below would say nothing', () => {
    expect(told.result.fills.count).toBeGreaterThan(10);
    expect(told.result.requests['cancel']).toBeGreaterThan(10);
    expect(told.result.reasons['quoted']!.ticks).toBeGreaterThan(500);
  });

  test('twice the same, and the same frame by frame', () => {
    expect(outcome(replayed().result)).toEqual(outcome(told.result));
    const replay = new Replay({ ...PART, config, latency: WAYS });
    while (replay.play(7));
    expect(outcome(replay.finish())).toEqual(outcome(told.result));
  });

  test('another seed of the latency, and another grade, end elsewhere', () => {
    const otherSeed = replayed({ latency: { ...WAYS, jitterSeed: 2 } }).result;
    expect(otherSeed.stateHash).not.toBe(told.result.stateHash);
    const byGrade = (['touch', 'queue', 'strict'] as const).map((grade) => replayed({ grade }).result.fills.count);
    expect(byGrade[1]).toBe(told.result.fills.count);
    expect(byGrade[0]).toBeGreaterThan(byGrade[1]!);
    expect(byGrade[1]).toBeGreaterThan(byGrade[2]!);
  });
});

describe('the account of a replay adds up', () => {
  test('fills that the machine recorded give its position and its equity, to the last digit', () => {
    const { result } = told;
    let lots = 0n;
    let cash = parseQuote(result.pnl.opening) as bigint;
    for (const { side, price, qty, fee } of ofType(told, 'fill')) {
      const sign = side === 'buy' ? 1n : -1n;
      lots += sign * parseScaled(qty, 12);
      cash -= (sign * parseScaled(price, 12) * parseScaled(qty, 12)) / 10n ** 12n + parseQuote(fee);
    }
    expect(lots).toBe(parseScaled(result.position, 12));
    const book = bookAt(result.toMs);
    const midDoubledE12 = BigInt(book.midDoubled()) * instrument.tickE12;
    const worth = (lots * midDoubledE12) / (2n * 10n ** 12n);
    expect(formatQuote((cash + worth) as QuoteAmount)).toBe(result.pnl.equity);
    const { opening, realised, fees, funding, unrealised, equity } = result.pnl;
    const parts = [opening, realised, funding, unrealised].reduce((sum, part) => sum + parseQuote(part), 0n);
    expect(parts - parseQuote(fees)).toBe(parseQuote(equity));
    expect(told.result.fills.count).toBe(ofType(told, 'fill').length);
  });

  test('every tick has one reason, and they fill the recorded time', () => {
    const { steps, reasons, fromMs, toMs } = told.result;
    const sums = Object.values(reasons).reduce((sum, { ticks, ms }) => [sum[0]! + ticks, sum[1]! + ms], [0, 0]);
    expect(sums[0]).toBe(steps);
    expect(sums[1]).toBeGreaterThan(toMs - fromMs - 1_000);
    expect(sums[1]).toBeLessThanOrEqual(toMs - fromMs + WAYS.feedMs + 1_000);
  });
});

describe('nothing is known before it can be', () => {
  test('inputs come in the order of time, books as they were a feed delay before', () => {
    let lastMs = 0;
    let compared = 0;
    for (const input of told.inputs) {
      expect(input.atMs).toBeGreaterThanOrEqual(lastMs);
      lastMs = input.atMs;
      if (input.kind !== RecordKind.bookInput) continue;
      expect(input.atMs - input.book.venueAtMs).toBe(WAYS.feedMs);
      if (compared++ % 40 !== 0) continue;
      const { bids, asks } = bookAt(input.book.venueAtMs);
      for (let depth = 0; depth < BOOK_DEPTH; depth++) {
        expect([input.book.bidTicks[depth], input.book.bidLots[depth]]).toEqual([
          bids.priceAt(depth),
          bids.sizeAt(depth),
        ]);
        expect([input.book.askTicks[depth], input.book.askLots[depth]]).toEqual([
          asks.priceAt(depth),
          asks.sizeAt(depth),
        ]);
      }
    }
    expect(compared).toBeGreaterThan(200);
  });

  test('an order cannot fill before it has arrived, nor be heard of before word of it has come back', () => {
    const placedAtMs = new Map<string, number>();
    for (const { event, atMs } of told.events) if (event.type === 'place') placedAtMs.set(event.clientOrderId, atMs);
    let answered = 0;
    for (const input of told.inputs) {
      if (input.kind === RecordKind.fillInput) {
        expect(input.atMs - input.fill.venueAtMs).toBe(WAYS.feedMs);
        const sentMs = placedAtMs.get(input.fill.clientOrderId)!;
        expect(input.fill.venueAtMs).toBeGreaterThanOrEqual(sentMs + WAYS.submitMs);
      }
      if (input.kind === RecordKind.orderInput && input.news.news === 'placeAnswered') {
        const backMs = input.atMs - placedAtMs.get(input.clientOrderId)!;
        expect(backMs).toBeGreaterThanOrEqual(WAYS.submitMs + WAYS.feedMs);
        answered += 1;
      }
    }
    expect(answered).toBe(placedAtMs.size);
  });

  test('a slower way changes what fills', () => {
    const fast = replayed({ latency: NO_LATENCY }).result;
    const slow = replayed({ latency: LatencyParams.parse({ submitMs: 900, cancelMs: 900, feedMs: 900 }) }).result;
    expect(new Set([fast.stateHash, slow.stateHash, told.result.stateHash]).size).toBe(3);
  });
});

describe('the part that is played', () => {
  test('before its start there is no bot, and the bars that it begins with are over', () => {
    const long = replayed({ fromMs: 200_000, toMs: 215_000 });
    const startMs = feed.startedAtMs + 200_000;
    expect(long.inputs[0]).toMatchObject({ kind: RecordKind.startInput, atMs: startMs });
    const bars = long.inputs.flatMap((input) => (input.kind === RecordKind.barsInput ? input.bars : []));
    expect(bars.map(({ openAtMs }) => (startMs - openAtMs) / 60_000).every((age) => age >= 1 && age <= 4)).toBe(true);
    expect(bars).toHaveLength(2);
    for (const { openAtMs, open, high, low, close } of bars) {
      expect(openAtMs % 60_000).toBe(0);
      expect(close).toBe(bookAt(openAtMs + 59_999).midDoubled() / 2);
      expect(Math.min(open, close)).toBeGreaterThanOrEqual(low);
      expect(Math.max(open, close)).toBeLessThanOrEqual(high);
    }
    expect(long.result.toMs).toBeLessThanOrEqual(feed.startedAtMs + 215_000);
    expect(long.inputs.at(-1)!.atMs).toBeLessThan(feed.startedAtMs + 217_000);
  });

  test('derived bars lead up to the start without a hole', () => {
    const bars = derivedBars(feed, 20_000, 60_000);
    expect(bars.length).toBeGreaterThan(100);
    bars.slice(1).forEach((bar, index) => expect(bar.openAtMs - bars[index]!.openAtMs).toBe(60_000));
    const endsMs = bars.at(-1)!.openAtMs + 60_000;
    expect(feed.startedAtMs + 20_000 - endsMs).toBeGreaterThanOrEqual(0);
    expect(feed.startedAtMs + 20_000 - endsMs).toBeLessThan(60_000);
  });
});

test('what the bot reads from its venue is what it knows', () => {
  const whole = replayed({ fromMs: 0, toMs: Infinity });
  const reads = whole.inputs.flatMap((input) => (input.kind === RecordKind.positionInput ? [input] : []));
  expect(reads).toHaveLength(2);
  expect(reads[1]!.openOrders.length).toBeGreaterThan(0);
  expect(reads[1]!.fills.length).toBeGreaterThan(0);
  expect(reads[1]!.equity).not.toBe(parseQuote('10000'));
  const types = new Set(whole.events.map(({ event }) => event.type));
  for (const surprise of ['order_adopted', 'fills_missing', 'position_adopted', 'alert'] as const) {
    expect(types).not.toContain(surprise);
  }
  expect(whole.events.filter(({ event }) => event.type === 'order' && event.closeReason === 'never_arrived')).toEqual(
    [],
  );
});

test('a stop closes the position at the venue, and the bot hears of it', () => {
  const risk = { ...LOOSE_LIMITS, protectiveStopEnabled: true, protectiveStopLossPct: 0.1 };
  const patient = { ...TIGHT, orderQuote: '300', inventoryQuoteMax: '1400', skewBps: 0 };
  const stopped = replayed({ fromMs: 0, toMs: 340_000, config: botConfig({ strategy: patient, risk }) });
  const byStop = ofType(stopped, 'fill').filter(({ clientOrderId }) => /^\d+$/.test(clientOrderId));
  expect(byStop.length).toBeGreaterThan(0);
  for (const { liquidity, positionAfter } of byStop) {
    expect(liquidity).toBe('taker');
    expect(Math.abs(Number(positionAfter))).toBeLessThan(0.03);
  }
});

test('hedge mode keeps two legs', () => {
  const hedged = replayed({ config: botConfig({ strategy: TIGHT, risk: LOOSE_LIMITS, positionMode: 'hedge' }) });
  const legs = new Set(ofType(hedged, 'fill').map(({ leg }) => leg));
  expect(legs).toEqual(new Set(['long', 'short']));
});

describe('a replay that leaves a journal', () => {
  const dir = scratchDir();
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test('ends as the one without, and its journal replays to the same events, byte for byte', async () => {
    const options = { ...PART, config, latency: WAYS };
    const journalDir = join(dir, 'bot1');
    const result = await replayIntoJournal(options, journalDir, SILENT);
    expect(outcome(result)).toEqual(outcome(told.result));
    const sequences: number[] = [];
    const again = await replayJournal(journalDir, {
      onStep: ({ input }) => void sequences.push(input.sequence),
    });
    expect(again.divergence).toBeNull();
    expect(again.eventsEqual).toBe(told.events.length);
    expect(again.inputs).toBe(told.inputs.length);
    expect(sequences).toEqual(told.inputs.map(({ sequence }) => sequence));
    expect(stateHash(again.machine!.state)).toBe(told.result.stateHash);
    await expect(replayIntoJournal(options, journalDir, SILENT)).rejects.toThrow('expected an empty folder');
  });
});

/** As another reader of the recording sees it. */
function bookAt(atMs: number): MarketReplay['book'] {
  const market = new MarketReplay(feed, { onLevel() {}, onTrade() {} });
  market.seek({ lap: 0, lapAtMs: atMs - feed.startedAtMs });
  return market.book;
}

/** What a stream's meter says is what a look at all that happened says, however it is cut into reports. */
import { describe, expect, test } from '@jest/globals';
import { MARKET_STREAMS_START, MarketStreamsEvent, type StreamReport } from '../../../core/market/stream-report.ts';
import { StreamMeter } from '../../../core/market/stream-meter.ts';
import { STREAM_RULES, STREAMS, type StreamName } from '../../../core/market/streams.ts';
import { createChance } from '../../../core/simulation/chance.ts';
import { StreamWatch } from '../../../bots/stream-watch.ts';
import { trials } from '../../support/trials.ts';

const BEGAN = 1_700_000_000_000;
const AHEAD_MS = 40;
const STEP_MS = 100;

type Op =
  | { readonly op: 'heard'; readonly atMs: number; readonly lagMs: number | null }
  | { readonly op: 'carried'; readonly atMs: number }
  | { readonly op: 'up' | 'down'; readonly atMs: number };

function play(meter: StreamMeter, op: Op): void {
  switch (op.op) {
    case 'heard':
      return void meter.heard(op.atMs, op.lagMs === null ? 0 : op.atMs + AHEAD_MS - op.lagMs, AHEAD_MS);
    case 'carried':
      return meter.carried(op.atMs);
    default:
      return meter.connected(op.op === 'up', op.atMs);
  }
}

/** Everything is looked for among all that happened, for each question anew. */
class Oracle {
  readonly #stream: StreamName;
  readonly #ops: Op[];

  constructor(stream: StreamName, ops: readonly Op[]) {
    this.#stream = stream;
    // An `up` of what is up says nothing.
    this.#ops = ops.filter((op, index) => {
      if (op.op !== 'up' && op.op !== 'down') return true;
      const before = ops.slice(0, index).findLast((one) => one.op === 'up' || one.op === 'down');
      return (before?.op ?? 'down') !== op.op;
    });
  }

  report(fromMs: number, toMs: number): StreamReport {
    const inside = this.#ops.filter(({ atMs }) => atMs > fromMs && atMs <= toMs);
    const until = this.#ops.filter(({ atMs }) => atMs <= toMs);
    const heard = until.flatMap((op) => (op.op === 'heard' ? [op] : []));
    const newest = heard.at(-1);
    const lags = inside.flatMap((op) => this.#lagMs(op) ?? []);
    const isUp = this.#isUp(until.length, until);
    const lives = this.#lives(until);
    if (isUp && this.#livesBy === 'connection') lives.at(-1)![1] = toMs;
    const silent = longest(
      holes(
        heard.map(({ atMs }) => [atMs, atMs]),
        toMs,
      ),
      fromMs,
    );
    const dark = longest(holes(lives, toMs), fromMs);
    let freshMs = 0;
    for (let atMs = fromMs; atMs < toMs; atMs += STEP_MS / 2) if (this.#isFresh(atMs)) freshMs += STEP_MS / 2;
    return {
      stream: this.#stream,
      messages: inside.filter(({ op }) => op === 'heard').length,
      newestAtMs: newest?.atMs ?? null,
      newestVenueAtMs: newest === undefined || newest.lagMs === null ? null : newest.atMs + AHEAD_MS - newest.lagMs,
      aliveAtMs: lives.at(-1)?.[1] ?? BEGAN,
      lagMsMax: lags.length === 0 ? null : Math.max(...lags),
      silentMs: silent[1] - silent[0],
      silentFromMs: silent[0],
      darkMs: dark[1] - dark[0],
      darkFromMs: dark[0],
      freshMs,
      downs: inside.filter(({ op }) => op === 'down').length,
    };
  }

  get #livesBy() {
    return STREAM_RULES[this.#stream].livesBy;
  }

  #isUp(index: number, ops: readonly Op[] = this.#ops): boolean {
    return ops.slice(0, index).findLast(({ op }) => op === 'up' || op === 'down')?.op === 'up';
  }

  /** Null for what says nothing of age: no time, or a trade from before the subscription. */
  #lagMs(op: Op): number | null {
    if (op.op !== 'heard' || op.lagMs === null) return null;
    const index = this.#ops.indexOf(op);
    const upAtMs = this.#ops.slice(0, index).findLast((one) => one.op === 'up')?.atMs;
    const isHistory = upAtMs !== undefined && op.atMs - upAtMs < 10_000 && op.atMs - op.lagMs < upAtMs;
    return this.#stream === 'trades' && isHistory ? null : op.lagMs;
  }

  #isLife(op: Op): boolean {
    if (op.op === 'carried') return this.#isUp(this.#ops.indexOf(op));
    return op.op === 'heard' && (this.#lagMs(op) ?? 0) <= STREAM_RULES[this.#stream].darkMsMax;
  }

  /** From and to of each time that is proved to have been alive. */
  #lives(ops: readonly Op[]): [number, number][] {
    if (this.#livesBy !== 'connection')
      return ops.filter((op) => this.#isLife(op)).map(({ atMs }): [number, number] => [atMs, atMs]);
    return ops.flatMap((op, index): [number, number][] => {
      if (op.op !== 'up') return [];
      const end = ops.slice(index).find((one) => one.op === 'down');
      return [[op.atMs, end?.atMs ?? ops.at(-1)!.atMs]];
    });
  }

  #isFresh(atMs: number): boolean {
    const before = this.#ops.filter((op) => op.atMs <= atMs);
    if (this.#livesBy === 'connection') return this.#isUp(before.length, before);
    const life = before.findLast((op) => this.#isLife(op));
    if (life === undefined || atMs >= life.atMs + STREAM_RULES[this.#stream].freshMs) return false;
    return !before.slice(before.indexOf(life)).some(({ op }) => op === 'down');
  }
}

/** What lies between, from the beginning on and up to `toMs`. */
function holes(lives: readonly (readonly [number, number])[], toMs: number): [number, number][] {
  const from = [BEGAN, ...lives.map(([, end]) => end)];
  const to = [...lives.map(([begin]) => begin), toMs];
  return from.map((begin, index): [number, number] => [begin, Math.max(begin, Math.min(to[index]!, toMs))]);
}

/** Of those that reach behind `fromMs`; the first of equal ones. */
function longest(spans: readonly [number, number][], fromMs: number): [number, number] {
  const reaching = spans.filter(([, to]) => to > fromMs);
  const most = Math.max(0, ...reaching.map(([from, to]) => to - from));
  return reaching.find(([from, to]) => to - from === most) ?? [0, 0];
}

function generate(stream: StreamName, random: () => number): Op[] {
  const ops: Op[] = [];
  const isBusy = random() < 0.5;
  let atMs = BEGAN;
  for (let left = 10 + Math.floor(random() * 60); left > 0; left -= 1) {
    const most = random() < 0.1 ? 2_000 : isBusy ? 20 : 200;
    atMs += STEP_MS * Math.floor(random() * most);
    const kind = random();
    const lags = [null, 0, 100, 29_900, 31_000, 200_000, -300];
    if (kind < 0.55) ops.push({ op: 'heard', atMs, lagMs: lags[Math.floor(random() * lags.length)]! });
    else if (kind < 0.75 && STREAM_RULES[stream].livesBy === 'carrier') ops.push({ op: 'carried', atMs });
    else ops.push({ op: random() < 0.65 ? 'up' : 'down', atMs });
  }
  return ops;
}

/** Between two things that happen, so that nobody has to say which came first. */
function takes(ops: readonly Op[], random: () => number): number[] {
  const steps = (ops.at(-1)!.atMs - BEGAN) / STEP_MS + 900;
  const at = Array.from({ length: 1 + Math.floor(random() * 12) }, () => Math.floor(random() * steps));
  return [...new Set(at)].sort((a, b) => a - b).map((step) => BEGAN + step * STEP_MS + STEP_MS / 2);
}

describe.each(STREAMS)('%s', (stream) => {
  test('each report is what happened in its time, and no cut loses anything', () => {
    for (let seed = 1; seed <= trials({ ci: 60, long: 5_000 }); seed += 1) {
      const random = createChance(seed);
      const ops = generate(stream, random);
      const oracle = new Oracle(stream, ops);
      const meter = new StreamMeter(stream, BEGAN);
      let [fromMs, played] = [BEGAN, 0];
      for (const toMs of takes(ops, random)) {
        for (; (ops[played]?.atMs ?? Infinity) <= toMs; played += 1) play(meter, ops[played]!);
        const told = meter.take(toMs);
        expect({ seed, ...told }).toEqual({ seed, ...fixed(oracle.report(fromMs, toMs), told) });
        fromMs = toMs;
      }
    }
  });
});

/** Where nothing was silent for any time, it does not matter from when. */
function fixed(expected: StreamReport, told: StreamReport): StreamReport {
  return {
    ...expected,
    ...(expected.silentMs === 0 && { silentFromMs: told.silentFromMs }),
    ...(expected.darkMs === 0 && { darkFromMs: told.darkFromMs }),
  };
}

describe('a watch', () => {
  const streamsOf = (watch: StreamWatch, atMs: number) =>
    Object.fromEntries(watch.take(atMs, 0, false).streams.map((one) => [one.stream, one]));

  test('tells what the schema and the readers of journals expect', () => {
    const watch = new StreamWatch('BTCUSDT', BEGAN);
    watch.onConnector('book', 'up', BEGAN + 10);
    watch.onClock(-3);
    watch.onBook(BEGAN + 5, BEGAN + 20);
    expect(watch.isDue(BEGAN + 14_999)).toBe(false);
    expect(watch.isDue(BEGAN + 15_000)).toBe(true);
    const first = watch.take(BEGAN + 15_000, 4, false);
    expect(JSON.stringify(first).startsWith(MARKET_STREAMS_START)).toBe(true);
    expect(MarketStreamsEvent.parse(JSON.parse(JSON.stringify(first)))).toEqual(first);
    expect(first).toMatchObject({ fromMs: BEGAN, toMs: BEGAN + 15_000, clockOffsetMs: -3, reconnects: 4 });
    expect(first.streams.map(({ stream }) => stream)).toEqual(STREAMS);
    expect(watch.take(BEGAN + 16_000, 5, true)).toMatchObject({ fromMs: BEGAN + 15_000, reconnects: 1, isFinal: true });
  });

  test('trades of a quiet symbol live by books and tickers, and not by old ones', () => {
    const watch = new StreamWatch('BTCUSDT', BEGAN);
    watch.onClock(0);
    watch.onConnector('trades', 'up', BEGAN);
    for (let ms = 0; ms <= 300_000; ms += 1_000) watch.onTicker(BEGAN + ms, BEGAN + ms);
    const quiet = streamsOf(watch, BEGAN + 300_000);
    expect(quiet['trades']).toMatchObject({ messages: 0, darkMs: 1_000, silentMs: 300_000, freshMs: 300_000 });
    expect(quiet['book']).toMatchObject({ messages: 0, darkMs: 300_000, freshMs: 0 });
    for (let ms = 301_000; ms <= 600_000; ms += 1_000) watch.onTicker(BEGAN + 300_000, BEGAN + ms);
    const repeated = streamsOf(watch, BEGAN + 600_000);
    // For a minute it may be late; then it is what was said before.
    expect(repeated['ticker']).toMatchObject({ messages: 300, lagMsMax: 300_000, aliveAtMs: BEGAN + 360_000 });
    expect(repeated['trades']).toMatchObject({ aliveAtMs: BEGAN + 360_000, darkMs: 240_000 });
  });

  test('trades from before the subscription say nothing of how late trades come', () => {
    const watch = new StreamWatch('BTCUSDT', BEGAN);
    watch.onClock(0);
    watch.onConnector('trades', 'up', BEGAN + 5_000);
    watch.onTrade(BEGAN - 3_600_000, BEGAN + 5_100);
    watch.onTrade(BEGAN + 6_000, BEGAN + 6_040);
    expect(streamsOf(watch, BEGAN + 10_000)['trades']).toMatchObject({ messages: 2, lagMsMax: 40 });
    watch.onTrade(BEGAN - 3_600_000, BEGAN + 30_000);
    expect(streamsOf(watch, BEGAN + 31_000)['trades']).toMatchObject({ messages: 1, lagMsMax: 3_630_000 });
  });
});

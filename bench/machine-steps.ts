/**
 * The bot machine on everything that a bot was told in a recorded market: what a step costs, what it is made of, and what
 * a whole replay carries. Beside it in turns in the same run: the clock that times the steps, a copy of the frame, and a
 * bare loop over typed arrays that does a small part of the thinking.
 */
import { loadConfig } from '../config/load.ts';
import { BotConfig } from '../core/bot/bot-config.ts';
import { Effects } from '../core/bot/effects.ts';
import { encodeInput, packBook, unpackBook } from '../core/bot/input-codec.ts';
import type { BookInput, BotInput } from '../core/bot/input.ts';
import { BotMachine } from '../core/bot/machine.ts';
import { Reason } from '../core/bot/reasons.ts';
import { RecordKind } from '../core/events/record.ts';
import { RecordedBook } from '../core/fill-model/book-levels.ts';
import { FillModel } from '../core/fill-model/fill-model.ts';
import { SILENT } from '../core/log.ts';
import { copyBookFrame, createBookFrame, type BookFrame } from '../core/market/book.ts';
import type { Instrument } from '../core/market/instrument.ts';
import type { PriceTicks, QtyLots } from '../core/money/money.ts';
import { OpKind, type Recording } from '../core/recording/recording.ts';
import { createStrategy } from '../core/strategies/create.ts';
import { createDesiredQuotes, type StrategyView } from '../core/strategies/strategy.ts';
import { openJournal, type Journal } from '../journal/journal.ts';
import { PUSH_MS, runReplay } from '../backtest/replay.ts';
import { MAKER, QUOTES } from '../test/backtest/strategies.ts';
import { ratio, report, rounded, spreadOf, type Spread } from './support/figures.ts';
import { bytesEach } from './support/heap.ts';
import { inScratch, projectRoot } from './support/places.ts';
import { busyReplay, recordedInputs, type InputTape } from './support/recorded-inputs.ts';
import { recordingOf } from './support/recorded-books.ts';

/** Passes of each kind; the best one counts, the others were disturbed or warm-up. Rates are those of a second of one core. */
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 25);
/** Steps between two waits for the journal, so that it never gathers more than a burst. */
const BURST = 500;

interface Bench {
  readonly config: BotConfig;
  readonly instrument: Instrument;
  readonly feed: Recording;
  readonly tape: InputTape;
  /** Where the books are on it. */
  readonly books: readonly number[];
}

async function main(dir: string): Promise<void> {
  const base = loadConfig(`${projectRoot}/config`).bots.get('bot1');
  if (base === undefined) throw new Error('config/bots/bot1.yml: expected the default desk, was missing');
  const risk = { ...base.risk, ordersActiveMax: 8, cancelsPerMinuteMax: 600, orderRejectsPerMinuteMax: 600 };
  const { instrument, recording: feed } = recordingOf(base.symbol);
  const { journal } = await openJournal({ dir, log: SILENT });
  const figures: Record<string, object> = {};
  for (const strategy of [QUOTES, MAKER]) {
    const config = BotConfig.parse({ ...base, strategy, risk });
    const { tape, result } = recordedInputs(busyReplay(feed, instrument, config));
    const books = tape.bookIndices;
    const bench = { config, instrument, feed, tape, books };
    const { fills, requests, steps } = result;
    figures[strategy.name] = {
      steps,
      books: books.length,
      fills: fills.count,
      requests,
      ...(await measure(bench, journal)),
    };
  }
  await journal.close();
  report('machine-steps', { unit: 'ns', rounds: ROUNDS, symbol: base.symbol, marketEvents: feed.opKind.length, strategies: figures }); // prettier-ignore
}

async function measure(bench: Bench, journal: Journal): Promise<object> {
  const rounds: Record<string, number[]> = {};
  const note = (name: string, value: number): void => void (rounds[name] ??= []).push(value);
  const noteSpread = (name: string, { p50, p99, p999 }: Spread): void => {
    note(`${name}.p50`, p50);
    note(`${name}.p99`, p99);
    note(`${name}.p999`, p999);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const timed = timedSteps(bench);
    noteSpread('step', spreadOf(timed.all, 0));
    noteSpread('idle', spreadOf(timed.idle, 0));
    noteSpread('deciding', spreadOf(timed.deciding, 0));
    noteSpread('journaled', spreadOf(await timedJournaledSteps(bench, journal), 0));
    noteSpread('clock', spreadOf(timedNothing(bench), 0));
    note(
      'nsPerStep',
      nsEach(bench.tape.length, () => steps(bench)),
    );
    for (const [part, work] of Object.entries(partsOf(bench))) note(part, nsEach(bench.books.length, work));
    note(
      'fillModel',
      nsEach(bench.feed.opKind.length, () => playModel(bench)),
    );
    const busy = busyReplay(bench.feed, bench.instrument, bench.config);
    note(
      'busyReplay',
      nsEach(bench.feed.opKind.length, () => runReplay(busy)),
    );
    note(
      'replay',
      nsEach(bench.feed.opKind.length, () => runReplay({ ...busy, pushMs: PUSH_MS })),
    );
  }
  const best = (name: string): number => rounded(Math.min(...rounds[name]!), 1);
  const spread = (name: string): object => ({ p50: best(`${name}.p50`), p99: best(`${name}.p99`), p999: best(`${name}.p999`) }); // prettier-ignore
  const perSecond = (name: string): number => Math.round(1e9 / best(name));
  return {
    step: spread('step'),
    stepIdle: spread('idle'),
    stepDeciding: spread('deciding'),
    stepJournaled: spread('journaled'),
    stepsPerSecond: perSecond('nsPerStep'),
    parts: {
      // Without what brings each book out and into the strategy's view.
      copyOfTheFrame: rounded(best('copy') - best('tape'), 1),
      strategyOnBook: rounded(best('onBook') - best('copy'), 1),
      strategyQuote: rounded(best('quote') - best('copy'), 1),
      strategyQuoteAnew: rounded(best('quoteAnew') - best('copy'), 1),
      packBook: rounded(best('pack') - best('tape'), 1),
      unpackBook: best('unpack'),
      wholeIdleStep: best('idleStep'),
      fillModelPerMarketEvent: best('fillModel'),
    },
    marketEventsPerSecond: {
      replay: perSecond('replay'),
      replayWithEveryBook: perSecond('busyReplay'),
      fillModelAlone: perSecond('fillModel'),
    },
    allocation: await allocation(bench),
    limits: { clock: spread('clock'), copiesPerSecond: perSecond('copy'), bareLoopsPerSecond: perSecond('bareLoop') },
    ratios: {
      stepsOfBareLoopsPerSecond: rounded(best('bareLoop') / best('nsPerStep'), 3),
      stepOfCopy: ratio(best('idleStep'), best('copy')),
      journaledOfStepP50: ratio(best('journaled.p50'), best('step.p50')),
      replayOfFillModelAlone: ratio(best('replay'), best('fillModel')),
    },
  };
}

/** Each step on its own, a machine of its own for each pass: `deciding` are those that asked for something or told it. */
function timedSteps({ config, instrument, tape }: Bench) {
  const machine = new BotMachine(config, instrument);
  const effects = new Effects();
  const all = new Float64Array(tape.length);
  const idle: number[] = [];
  const deciding: number[] = [];
  for (let index = 0; index < tape.length; index += 1) {
    const input = tape.at(index);
    const startedAt = performance.now();
    machine.step(input, effects);
    const took = (performance.now() - startedAt) * 1e6;
    all[index] = took;
    (effects.list.length === 0 ? idle : deciding).push(took);
  }
  return { all, idle, deciding };
}

/** As the bot's process does it: the input before the step, the events after it; the disk is waited for in between. */
async function timedJournaledSteps({ config, instrument, tape }: Bench, journal: Journal): Promise<Float64Array> {
  const machine = new BotMachine(config, instrument);
  const effects = new Effects();
  const encoder = new TextEncoder();
  const took = new Float64Array(tape.length);
  for (let index = 0; index < tape.length; index += 1) {
    const input = tape.at(index);
    const startedAt = performance.now();
    const cause = journal.append(input.kind, 1, 0, input.atMs, encodeInput(input));
    machine.step(input, effects);
    for (const effect of effects.list) {
      if (effect.effect !== 'record') continue;
      journal.append(effect.kind, 1, cause, input.atMs, encoder.encode(JSON.stringify(effect.event)));
    }
    took[index] = (performance.now() - startedAt) * 1e6;
    if (index % BURST === 0) await journal.durable();
  }
  await journal.durable();
  return took;
}

function timedNothing({ tape }: Bench): Float64Array {
  return new Float64Array(tape.length).map(() => {
    const startedAt = performance.now();
    return (performance.now() - startedAt) * 1e6;
  });
}

function steps({ config, instrument, tape }: Bench): void {
  const machine = new BotMachine(config, instrument);
  const effects = new Effects();
  for (let index = 0; index < tape.length; index += 1) machine.step(tape.at(index), effects);
}

/** Of one core's time: whoever else wants it makes the work later, not dearer. Collections are part of the work. */
function nsEach(count: number, work: () => void): number {
  const { user: userBefore, system: systemBefore } = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage();
  return ((user - userBefore + system - systemBefore) * 1e3) / count;
}

/** What a book costs in each part, over all recorded books. */
function partsOf(bench: Bench): Record<string, () => void> {
  const { config, instrument, tape, books } = bench;
  const into = createBookFrame();
  const strategy = createStrategy(config.strategy, instrument, null);
  const view: StrategyView = {
    book: into,
    atMs: 0,
    midTicks: 0,
    positionLots: 0,
    isReducing: false,
    closableByBidsLots: 0,
    closableByAsksLots: 0,
    fundingRate: 0,
    fundingIntervalMs: 0,
  };
  const bookOf = (index: number): BookFrame => (tape.at(index) as BookInput).book;
  const look = (index: number): void => {
    const { book, atMs } = tape.at(index) as BookInput;
    copyBookFrame(into, book);
    view.atMs = atMs;
    view.midTicks = ((into.bidTicks[0] as number) + (into.askTicks[0] as number)) / 2;
  };
  const tell = (): void => {};
  for (let index = 0; index < tape.length; index += 1) {
    const input = tape.at(index);
    if (input.kind === RecordKind.barsInput) strategy.onBars(input.bars, tell);
  }
  look(books[0] as number);
  strategy.onTimer(view, tell);
  const desired = createDesiredQuotes();
  // A strategy may keep its answer while nothing that it rests on changes, but not one that was written elsewhere.
  const inTurns = [desired, createDesiredQuotes()] as const;
  const packed = books.map((index) => packBook(bookOf(index)).slice());
  const { machine, idle } = idleMachine(bench);
  const effects = new Effects();
  return {
    tape: () => books.forEach((index) => tape.at(index)),
    copy: () => books.forEach((index) => copyBookFrame(into, bookOf(index))),
    onBook: () =>
      books.forEach((index) => {
        look(index);
        strategy.onBook(view, tell);
      }),
    quote: () =>
      books.forEach((index) => {
        look(index);
        strategy.quote(view, desired);
      }),
    quoteAnew: () =>
      books.forEach((index, n) => {
        look(index);
        strategy.quote(view, n % 2 === 0 ? inTurns[0] : inTurns[1]);
      }),
    pack: () => books.forEach((index) => packBook(bookOf(index))),
    unpack: () => packed.forEach((bytes) => unpackBook(bytes, into)),
    idleStep: () => books.forEach(() => machine.step(idle, effects)),
    bareLoop: () => bareLoop(bench),
  };
}

/** A machine that quotes, and a book that it has seen: told again it decides nothing. */
function idleMachine({ config, instrument, tape }: Bench): { machine: BotMachine; idle: BotInput } {
  const machine = new BotMachine(config, instrument);
  const effects = new Effects();
  for (let index = 0; index < tape.length; index += 1) {
    const input = tape.at(index);
    machine.step(input, effects);
    const isSettled = index > tape.length / 2 && machine.state.reason === Reason.quoted;
    if (!isSettled || input.kind !== RecordKind.bookInput || effects.list.length > 0) continue;
    const book = createBookFrame();
    copyBookFrame(book, input.book);
    return { machine, idle: { ...input, book } };
  }
  throw new Error('the recorded market has no book that decides nothing');
}

/** Two averages, a range, a skewed pair of quotes: the least that a decision on a book could be. */
function bareLoop({ tape, books }: Bench): number {
  let fast = 0;
  let slow = 0;
  let range = 0;
  let last = 0;
  let sum = 0;
  for (const index of books) {
    const { book } = tape.at(index) as BookInput;
    const mid = ((book.bidTicks[0] as number) + (book.askTicks[0] as number)) / 2;
    fast += (mid - fast) * 0.2;
    slow += (mid - slow) * 0.05;
    range += (Math.abs(mid - last) - range) * 0.1;
    last = mid;
    const half = range + 0.0001 * mid;
    sum += Math.floor(mid - half) + Math.ceil(mid + half) + (fast > slow ? 1 : 0);
  }
  return sum;
}

/** The recording through book and fill model with four orders of ours resting, nobody deciding anything. */
function playModel({ feed }: Bench): void {
  const book = new RecordedBook();
  const model = new FillModel(book, { onFill() {}, onCancel() {} }, 'queue');
  const { frameCount, firstOp, opKind, opTicks, opLots } = feed;
  for (let frame = 0; frame < frameCount; frame += 1) {
    for (let op = firstOp[frame] as number; op < (firstOp[frame + 1] as number); op += 1) {
      const kind = opKind[op] as number;
      const ticks = opTicks[op] as PriceTicks;
      const lots = opLots[op] as QtyLots;
      if (kind >= OpKind.buyTrade) model.applyTrade(kind === OpKind.buyTrade ? 'buy' : 'sell', ticks, lots);
      else {
        const side = kind === OpKind.bid ? 'buy' : 'sell';
        const before = book.levels(side).set(ticks, lots);
        if (before !== lots) model.applyLevel(side, ticks, before, lots);
      }
    }
    if (frame > 0) continue;
    for (let id = 1; id <= 4; id += 1) {
      const side = id % 2 === 0 ? 'buy' : 'sell';
      const price = (side === 'buy' ? book.bids.best() - 2_000 * id : book.asks.best() + 2_000 * id) as PriceTicks;
      model.place({ id, side, price, qty: 1 as QtyLots, kind: 'limit', reduceOnly: false });
    }
  }
}

async function allocation(bench: Bench): Promise<object> {
  const { config, instrument, tape, books } = bench;
  const { machine, idle } = idleMachine(bench);
  const effects = new Effects();
  const decided = new BotMachine(config, instrument);
  let at = 0;
  return {
    bytesPerIdleStep: await bytesEach(() => {
      for (let n = 0; n < books.length; n += 1) machine.step(idle, effects);
      return books.length;
    }),
    bytesPerDecidingStep: await bytesEach(() => {
      let deciding = 0;
      for (const end = Math.min(tape.length, at + 500); at < end; at += 1) {
        decided.step(tape.at(at), effects);
        if (effects.list.length > 0) deciding += 1;
      }
      return Math.max(1, deciding);
    }),
  };
}

await inScratch('machine-steps', main);

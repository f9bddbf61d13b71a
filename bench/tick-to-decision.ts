/**
 * One recorded book through the bot machine: from the frame in hand to what to do about it. Beside it, in turns in the same
 * run and timed the same way: a copy of the same frame and nothing else (the limit), and the step after its input went into
 * a real journal, as the bot process does it.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { packBook } from '../core/bot/input-codec.ts';
import { RecordKind } from '../core/events/record.ts';
import { SILENT } from '../core/log.ts';
import { BOOK_DEPTH, createBookFrame, type BookFrame } from '../core/market/book.ts';
import { loadConfig } from '../config/load.ts';
import { openJournal, type Journal } from '../journal/journal.ts';
import { median, ratio, report, rounded, spreadOf, type Spread } from './support/figures.ts';
import { inScratch, projectRoot } from './support/places.ts';
import { QuotingMachine } from './support/quoting-machine.ts';
import { recordedBooks, type RecordedBooks } from './support/recorded-books.ts';

const STEPS = Number(process.env['BENCH_STEPS'] ?? 200_000);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
/** Steps between two waits for the journal, so that it never gathers more than a burst. */
const BURST = 500;
const ALLOCATION_STEPS = 20_000;
/** Collections are told a little after they ran. */
const GC_TOLD_MS = 20;

const durations = new Float64Array(STEPS);

async function main(dir: string): Promise<void> {
  const config = loadConfig(`${projectRoot}/config`).bots.get('bot1');
  if (config === undefined) throw new Error('config/bots/bot1.yml: expected the default desk, was missing');
  const books = recordedBooks(config.symbol);
  const quoting = new QuotingMachine(config, books);
  const { journal } = await openJournal({ dir, log: SILENT });
  const rounds: Record<'copy' | 'step' | 'journaled', Spread[]> = { copy: [], step: [], journaled: [] };
  const perSecond: Record<'copy' | 'step', number[]> = { copy: [], step: [] };
  // The first round is the warm-up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const copy = timedCopies(books);
    const step = timedSteps(quoting);
    const journaled = await timedJournaledSteps(quoting, journal);
    if (round === 0) continue;
    rounds.copy.push(copy);
    rounds.step.push(step);
    rounds.journaled.push(journaled);
    perSecond.copy.push(STEPS / (copiesMs(books) / 1_000));
    perSecond.step.push(STEPS / (stepsMs(quoting) / 1_000));
  }
  await journal.close();
  const copy = middle(rounds.copy);
  const step = middle(rounds.step);
  const journaled = middle(rounds.journaled);
  report('tick-to-decision', {
    unit: 'ns',
    books: books.frames.length,
    stepsPerRound: STEPS,
    rounds: ROUNDS,
    ordersPerThousandBooks: rounded((quoting.placed * 1_000) / (STEPS * 3 * (ROUNDS + 1) + STEPS * ROUNDS), 1),
    step,
    stepJournaled: journaled,
    stepsPerSecond: Math.round(median(perSecond.step)),
    allocation: await allocation(quoting),
    limits: { copyOfTheFrame: copy, copiesPerSecond: Math.round(median(perSecond.copy)) },
    ratios: {
      stepOfCopyP50: ratio(step.p50, copy.p50),
      stepOfCopyP99: ratio(step.p99, copy.p99),
      journaledOfStepP50: ratio(journaled.p50, step.p50),
      stepsOfCopiesPerSecond: rounded(median(perSecond.step) / median(perSecond.copy), 3),
    },
  });
}

/** Of several rounds: the median of each quantile, the worst of all for the largest. */
function middle(rounds: readonly Spread[]): Omit<Spread, 'count'> {
  const of = (quantile: 'p50' | 'p99' | 'p999'): number => median(rounds.map((round) => round[quantile]));
  return { p50: of('p50'), p99: of('p99'), p999: of('p999'), max: Math.max(...rounds.map(({ max }) => max)) };
}

function timedSteps(quoting: QuotingMachine): Spread {
  for (let n = 0; n < STEPS; n += 1) {
    const input = quoting.nextBook();
    const startedAt = performance.now();
    quoting.machine.step(input, quoting.effects);
    durations[n] = (performance.now() - startedAt) * 1e6;
    quoting.answer();
  }
  return spreadOf(durations, 0);
}

async function timedJournaledSteps(quoting: QuotingMachine, journal: Journal): Promise<Spread> {
  for (let n = 0; n < STEPS; n += 1) {
    const input = quoting.nextBook();
    const startedAt = performance.now();
    input.sequence = journal.append(RecordKind.bookInput, 1, 0, input.atMs, packBook(input.book));
    quoting.machine.step(input, quoting.effects);
    durations[n] = (performance.now() - startedAt) * 1e6;
    quoting.answer();
    if (n % BURST === 0) await journal.durable();
  }
  await journal.durable();
  return spreadOf(durations, 0);
}

function timedCopies({ frames }: RecordedBooks): Spread {
  const into = createBookFrame();
  for (let n = 0; n < STEPS; n += 1) {
    const from = frames[n % frames.length] as BookFrame;
    const startedAt = performance.now();
    copy(from, into);
    durations[n] = (performance.now() - startedAt) * 1e6;
  }
  return spreadOf(durations, 0);
}

/** Without a clock around each step: what one core carries, with answers and timers. */
function stepsMs(quoting: QuotingMachine): number {
  const startedAt = performance.now();
  for (let n = 0; n < STEPS; n += 1) {
    quoting.machine.step(quoting.nextBook(), quoting.effects);
    quoting.answer();
  }
  return performance.now() - startedAt;
}

function copiesMs({ frames }: RecordedBooks): number {
  const into = createBookFrame();
  const startedAt = performance.now();
  for (let n = 0; n < STEPS; n += 1) copy(frames[n % frames.length] as BookFrame, into);
  return performance.now() - startedAt;
}

function copy(from: BookFrame, into: BookFrame): void {
  into.venueAtMs = from.venueAtMs;
  into.bidCount = from.bidCount;
  into.askCount = from.askCount;
  // A plain loop: four calls of `set` take several times as long for so few numbers.
  for (let i = 0; i < BOOK_DEPTH; i += 1) {
    into.bidTicks[i] = from.bidTicks[i] as number;
    into.bidLots[i] = from.bidLots[i] as number;
    into.askTicks[i] = from.askTicks[i] as number;
    into.askLots[i] = from.askLots[i] as number;
  }
}

/** Heap that steps take, counted only where no collection ran: of steps that decide nothing, and of all. */
async function allocation(quoting: QuotingMachine): Promise<object> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let collections = 0;
  const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
  observer.observe({ entryTypes: ['gc'] });
  const measure = async (work: () => number): Promise<number | null> => {
    const found: number[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1) {
      collect();
      await sleep(GC_TOLD_MS);
      collections = 0;
      const before = process.memoryUsage().heapUsed;
      const steps = work();
      const after = process.memoryUsage().heapUsed;
      await sleep(GC_TOLD_MS);
      if (collections === 0) found.push((after - before) / steps);
    }
    return found.length === 0 ? null : rounded(median(found), 1);
  };
  const { machine, effects } = quoting;
  const idle = quoting.nextBook();
  const result = {
    bytesPerIdleStep: await measure(() => {
      // The same book at the same time decides nothing after the first.
      for (let n = 0; n < ALLOCATION_STEPS; n += 1) machine.step(idle, effects);
      return ALLOCATION_STEPS;
    }),
    bytesPerStepWithOrders: await measure(() => {
      for (let n = 0; n < ALLOCATION_STEPS / 20; n += 1) {
        machine.step(quoting.nextBook(), effects);
        quoting.answer();
      }
      return ALLOCATION_STEPS / 20;
    }),
  };
  observer.disconnect();
  return result;
}

await inScratch('tick-to-decision', main);

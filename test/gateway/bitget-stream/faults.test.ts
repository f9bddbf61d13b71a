/**
 * 10,000 random faults on the way from a true book to a bot: what is delivered is the truth of its time or nothing. The
 * truth is kept apart from the code under test: a map of price to text, sorted anew for each state.
 */
import { crc32 } from 'node:zlib';
import { expect, test } from '@jest/globals';
import type { BookFrame } from '../../../core/market/book.ts';
import { createChance } from '../../../core/simulation/chance.ts';
import { BookChannel } from '../../../gateway/bitget/stream/market-channels.ts';
import { Listener } from '../../../gateway/bitget/stream/listener.ts';
import { PROTOCOLS } from '../../../gateway/bitget/stream/protocol.ts';
import type { DataFrame } from '../../../gateway/bitget/stream/subscriptions.ts';
import { STREAM_TIMING } from '../../../gateway/bitget/stream/timing.ts';
import { VenueMalformed, type MarketSink } from '../../../gateway/venue.ts';
import { instrument } from './samples.ts';

const BTC = instrument('BTCUSDT', '0.1', '0.001');
const START_MS = 1_700_000_000_000;

type Proof = 'sequence' | 'checksum' | 'both';
type Level = [string, string];
interface Update { asks: Level[]; bids: Level[]; ts: string; seq?: number; pseq?: number; checksum?: number } // prettier-ignore

/** The venue: a book that moves, and what it says of it. */
class Truth {
  readonly tops = new Map<number, string>();
  private readonly bids = new Map<number, string>();
  private readonly asks = new Map<number, string>();
  private readonly chance: () => number;
  private readonly proof: Proof;
  private readonly sortedNow = new Map<'bids' | 'asks', Level[]>();
  private middle = 500_000;
  private step = 0;

  constructor(chance: () => number, proof: Proof) {
    this.chance = chance;
    this.proof = proof;
    for (let depth = 1; depth <= 60; depth += 1) {
      this.bids.set(this.middle - depth, this.size());
      this.asks.set(this.middle + depth, this.size());
    }
    this.remember();
  }

  snapshot(): string {
    const [bids, asks] = [this.sorted('bids'), this.sorted('asks')];
    return this.message('snapshot', { bids, asks, ts: String(START_MS + this.step) }, true);
  }

  update(): string {
    this.step += 1;
    const before = new Map([...this.bids, ...this.asks]);
    this.middle += Math.round((this.chance() - 0.5) * 8);
    for (const price of [...this.bids.keys()]) if (price >= this.middle) this.bids.delete(price);
    for (const price of [...this.asks.keys()]) if (price <= this.middle) this.asks.delete(price);
    for (let change = 0; change < 4; change += 1) {
      const depth = 1 + Math.floor(this.chance() * (change === 0 ? 4 : 50));
      const [side, price] = this.chance() < 0.5 ? [this.bids, this.middle - depth] : [this.asks, this.middle + depth];
      if (side.has(price) && side.size > 10 && this.chance() < 0.4) side.delete(price);
      else side.set(price, this.size());
    }
    this.remember();
    const row = { bids: [] as Level[], asks: [] as Level[], ts: String(START_MS + this.step) };
    for (const price of new Set([...before.keys(), ...this.bids.keys(), ...this.asks.keys()])) {
      // Where a side was passed by the other, the old side is told first as gone.
      const [bid, ask] = [this.bids.get(price), this.asks.get(price)];
      if (before.get(price) === (bid ?? ask) && !this.changedSide(price, before)) continue;
      row.bids.push([text(price), bid ?? '0']);
      row.asks.push([text(price), ask ?? '0']);
    }
    return this.message('update', row, false);
  }

  private changedSide(price: number, before: Map<number, string>): boolean {
    return before.has(price) && Math.abs(price - this.middle) <= 8;
  }

  private message(action: string, row: Update, isSnapshot: boolean): string {
    if (this.proof !== 'checksum') {
      row.seq = 1_000 + this.step * 7;
      row.pseq = isSnapshot ? 0 : row.seq - 7;
    }
    if (this.proof !== 'sequence') row.checksum = isSnapshot ? 0 : this.checksum();
    return JSON.stringify({ action, arg: PROTOCOLS.classic.publicArg('books', 'BTCUSDT'), data: [row], ts: START_MS });
  }

  private checksum(): number {
    const [bids, asks] = [this.sorted('bids'), this.sorted('asks')];
    const parts: string[] = [];
    for (let depth = 0; depth < 25; depth += 1) parts.push(...(bids[depth] ?? []), ...(asks[depth] ?? []));
    return crc32(parts.join(':')) | 0;
  }

  private sorted(name: 'bids' | 'asks'): Level[] {
    const known = this.sortedNow.get(name);
    if (known !== undefined) return known;
    const side = [...this[name]].sort(([a], [b]) => (name === 'bids' ? b - a : a - b));
    const levels = side.map(([price, size]): Level => [text(price), size]);
    this.sortedNow.set(name, levels);
    return levels;
  }

  private remember(): void {
    this.sortedNow.clear();
    const top = (name: 'bids' | 'asks'): string[] => this.sorted(name).slice(0, 5).map(([price, size]) => `${Math.round(Number(price) * 10)}:${Math.round(Number(size) * 1_000)}`); // prettier-ignore
    this.tops.set(START_MS + this.step, JSON.stringify([top('bids'), top('asks')]));
  }

  private size(): string {
    const lots = 1 + Math.floor(this.chance() * 5_000);
    return this.chance() < 0.5 ? (lots / 1_000).toFixed(3) : String(lots / 1_000);
  }
}

function text(ticks: number): string {
  return `${Math.floor(ticks / 10)}.${ticks % 10}`;
}

const FAULTS = [
  'drop',
  'duplicate',
  'late duplicate',
  'reorder',
  'price',
  'size',
  'checksum',
  'sequence',
  'shape',
] as const;
type Fault = (typeof FAULTS)[number];

/** What a chain alone cannot see: another price or size that is as good as the true one. */
const UNSEEN_BY_SEQUENCE: readonly Fault[] = ['price', 'size', 'checksum'];

function corrupt(message: string, fault: Fault, chance: () => number): string {
  const frame = JSON.parse(message) as { data: Update[] };
  const row = frame.data[0]!;
  const levels = [...row.bids, ...row.asks];
  const level = levels[Math.floor(chance() * levels.length)]!;
  if (fault === 'price') level[0] = text(500_000 + Math.floor((chance() - 0.5) * 200));
  else if (fault === 'size') level[1] = String(Math.floor(chance() * 5_000) / 1_000);
  else if (fault === 'checksum') row.checksum = (row.checksum ?? 0) ^ (1 << Math.floor(chance() * 31));
  else if (fault === 'sequence') row.pseq = (row.pseq ?? 0) + (chance() < 0.5 ? -4 : 3);
  else {
    const shapes: unknown[] = ['abc', '-1', '1e3', '', '0.00001', null, 7, '99999999999999999999', '1.', '.5', ' 1'];
    level[Math.floor(chance() * 2)] = shapes[Math.floor(chance() * shapes.length)] as string;
  }
  return JSON.stringify(frame);
}

/** One session: a few hundred messages, some of them struck. Answers how many faults there were and how many books came. */
function session(seed: number, proof: Proof): { faults: number; delivered: number; wrong: string[]; lost: number } {
  const chance = createChance(seed);
  const truth = new Truth(chance, proof);
  const wrong: string[] = [];
  let delivered = 0;
  const onBook = (frame: BookFrame): void => {
    delivered += 1;
    const side = (count: number, ticks: Float64Array, lots: Float64Array): string[] =>
      Array.from({ length: count }, (_, depth) => `${ticks[depth]}:${lots[depth]}`);
    const heard = JSON.stringify([
      side(frame.bidCount, frame.bidTicks, frame.bidLots),
      side(frame.askCount, frame.askTicks, frame.askLots),
    ]);
    const true_ = truth.tops.get(frame.venueAtMs);
    if (heard !== true_)
      wrong.push(`seed ${seed}, ${proof}, at ${frame.venueAtMs - START_MS}: ${heard}, expected ${true_}`);
  };
  const quiet = (): void => undefined;
  const sink: MarketSink = { onBook, onTrade: quiet, onTicker: quiet, onFunding: quiet, onConnector: quiet };
  const channel = new BookChannel(PROTOCOLS.classic, BTC, STREAM_TIMING);
  const listener = new Listener(BTC, sink, null);
  channel.join(listener);
  let [subscribed, faults, lost, answerIn] = [true, 0, 0, -1];

  function hear(message: string): void {
    if (!subscribed) return;
    try {
      channel.frame(JSON.parse(message) as DataFrame, message);
    } catch (error) {
      if (!(error instanceof VenueMalformed)) throw error;
      lost += 1;
      subscribed = false;
      channel.lost(error.message, false);
      // Some more messages are on their way before the venue answers the new subscription.
      answerIn = Math.floor(chance() * 4);
    }
  }

  channel.acknowledged();
  hear(truth.snapshot());
  const late: string[] = [];
  let held: string | null = null;
  for (let step = 0; step < 300; step += 1) {
    if (!subscribed && answerIn-- <= 0) {
      subscribed = true;
      channel.acknowledged();
      hear(truth.snapshot());
    }
    const message = truth.update();
    const fault = chance() < 0.25 ? FAULTS[Math.floor(chance() * FAULTS.length)]! : null;
    const isUnseen = fault !== null && proof === 'sequence' && UNSEEN_BY_SEQUENCE.includes(fault);
    const isNothing = proof === 'checksum' && fault === 'sequence';
    if (fault === null || isUnseen || isNothing) hear(message);
    else {
      faults += 1;
      if (fault === 'reorder') {
        held = message;
        continue;
      }
      if (fault === 'duplicate') for (const twice of [message, message]) hear(twice);
      else if (fault === 'late duplicate') {
        hear(message);
        late.push(message);
      } else if (fault !== 'drop') hear(corrupt(message, fault, chance));
    }
    if (held !== null) hear(held);
    held = null;
    if (late.length > 0 && chance() < 0.3) hear(late.shift()!);
  }
  const counted = listener.tallies.bookGaps + listener.tallies.bookChecksumFailures + listener.tallies.malformed;
  if (counted !== lost) wrong.push(`seed ${seed}, ${proof}: ${lost} books lost, ${counted} counted`);
  return { faults, delivered, wrong, lost };
}

test.each<Proof>(['sequence', 'checksum', 'both'])(
  'not one wrong book out of 3,400 faults, proved by %s',
  (proof) => {
    const first = Math.floor(Math.random() * 1e9);
    let [faults, delivered, lost] = [0, 0, 0];
    const wrong: string[] = [];
    for (let seed = first; faults < 3_400; seed += 1) {
      const result = session(seed, proof);
      faults += result.faults;
      delivered += result.delivered;
      lost += result.lost;
      wrong.push(...result.wrong);
    }
    expect(wrong.slice(0, 3)).toEqual([]);
    // The books were not kept right by keeping silent.
    expect(lost).toBeGreaterThan(1_000);
    expect(delivered).toBeGreaterThan(faults);
  },
  60_000,
);

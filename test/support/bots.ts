/** Builders for bot machines: an instrument, a configuration, and inputs with the clock and sequence kept by the builder. */
import type { Leg } from '../../core/accounting/legs.ts';
import { BotConfig } from '../../core/bot/bot-config.ts';
import { Effects, type Effect } from '../../core/bot/effects.ts';
import type { BotInput, FillFact, SeenStop, SyncInput } from '../../core/bot/input.ts';
import { decodeInput, encodeInput } from '../../core/bot/input-codec.ts';
import { BotMachine } from '../../core/bot/machine.ts';
import { decodeState, encodeState, type BotState } from '../../core/bot/state.ts';
import type { ReasonCode } from '../../core/bot/reasons.ts';
import { RecordKind } from '../../core/events/record.ts';
import { createBookFrame, type BookFrame } from '../../core/market/book.ts';
import { createInstrument, type Instrument } from '../../core/market/instrument.ts';
import type { PriceTicks, QtyLots, QuoteAmount, SignedLots } from '../../core/money/money.ts';

export const BTC: Instrument = createInstrument({
  symbol: 'BTCUSDT',
  tick: '0.1',
  lot: '0.001',
  qtyMin: '0.001',
  notionalMin: '5',
  makerFeeRate: '0.0002',
  takerFeeRate: '0.0006',
});

export const T0 = 1_723_161_600_000;

/** A bot's file with every required field and nothing else. */
export const BOT_FILE = {
  version: 1,
  bot: 'bot1',
  role: 'market_maker',
  mode: 'live',
  account: 'mm-btc',
  policyVersion: '1',
  symbol: 'BTCUSDT',
  strategy: {
    name: 'two_sided_quotes',
    halfSpreadBps: 2,
    orderQuote: '250',
    inventoryQuoteMax: '1000',
    skewBps: 2,
    requoteBps: 1,
    requoteMsMin: 500,
  },
  risk: {
    exposureQuoteMax: '1500',
    orderQuoteMax: '300',
    ordersActiveMax: 4,
    cancelsPerMinuteMax: 60,
    bookAgeMsMax: 3_000,
    dailyLossQuoteMax: '200',
  },
};

export function botConfig(overrides: Record<string, unknown> = {}): BotConfig {
  return BotConfig.parse({ ...BOT_FILE, ...overrides });
}

/** Close enough to the market to be filled, and replaced, every few seconds. */
export const EAGER_QUOTES = {
  name: 'two_sided_quotes',
  halfSpreadBps: 0.5,
  orderQuote: '250',
  inventoryQuoteMax: '1000',
  skewBps: 1,
  requoteBps: 0.2,
  requoteMsMin: 100,
};

/** A book with equal levels one tick apart around `bid` and `ask`. */
export function book(bid: number, ask: number, lots = 5_000): BookFrame {
  const frame = createBookFrame();
  frame.bidCount = 5;
  frame.askCount = 5;
  for (let i = 0; i < 5; i += 1) {
    frame.bidTicks[i] = bid - i;
    frame.askTicks[i] = ask + i;
    frame.bidLots[i] = lots;
    frame.askLots[i] = lots;
  }
  return frame;
}

type Untimed<T> = T extends BotInput ? Omit<T, 'sequence' | 'atMs'> : never;

/** A machine with its clock and the list of what it was told: every test of it is also a journal to replay. */
export class Bench {
  readonly machine: BotMachine;
  readonly effects = new Effects();
  readonly told: BotInput[] = [];
  readonly config: BotConfig;
  nowMs = T0;

  constructor(config: BotConfig = botConfig(), state?: BotState) {
    this.config = config;
    this.machine = state === undefined ? new BotMachine(config, BTC) : new BotMachine(config, BTC, state);
  }

  get state(): BotState {
    return this.machine.state;
  }

  tell(untimed: Untimed<BotInput>, afterMs = 0): Effect[] {
    this.nowMs += afterMs;
    const input = { ...untimed, sequence: this.told.length + 1, atMs: this.nowMs };
    // Through the codec, as the journal would bring it back.
    this.told.push(decodeInput(input.kind, input.sequence, input.atMs, encodeInput(input).slice()));
    this.machine.step(input, this.effects);
    return [...this.effects.list];
  }

  reason(): ReasonCode {
    return this.state.reason;
  }

  book(bid: number, ask: number, afterMs = 100): Effect[] {
    return this.tell({ kind: RecordKind.bookInput, book: book(bid, ask) }, afterMs);
  }

  /** A book that the caller may still change. */
  frame(bid: number, ask: number): BookFrame {
    return book(bid, ask);
  }

  timer(afterMs = 1_000): Effect[] {
    return this.tell({ kind: RecordKind.timerInput }, afterMs);
  }

  /** From nothing to quoting at the next book: started, streams up, the venue's truth read, a supervisor there. */
  run({ position = 0, entryPrice = null as string | null } = {}): this {
    this.tell({ kind: RecordKind.startInput, epoch: 7, configHash: 'c', codeVersion: 'v' });
    this.tell({ kind: RecordKind.connectorInput, channel: 'book', status: 'up', reason: '' });
    this.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' });
    this.clock();
    this.sync({ position, entryPrice });
    this.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
    return this;
  }

  /** A new process that reads from the venue what the old one believed. */
  restart(legs: SyncInput['positions'], stops: SeenStop[]): void {
    this.tell({ kind: RecordKind.startInput, epoch: this.state.epoch + 1, configHash: '', codeVersion: '' });
    this.tell({ kind: RecordKind.connectorInput, channel: 'book', status: 'up', reason: '' });
    this.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' });
    this.clock();
    this.sync({ legs, stops });
    this.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
  }

  sync({
    position = 0,
    entryPrice = null as string | null,
    openOrders = [] as SyncInput['openOrders'],
    fills = [] as FillFact[],
    legs = null as SyncInput['positions'] | null,
    stops = [] as SeenStop[],
    marginRatio = null as number | null,
    fundingPayments = [] as SyncInput['fundingPayments'],
  } = {}): Effect[] {
    return this.tell({
      kind: RecordKind.positionInput,
      openOrders,
      fills,
      positions: legs ?? [{ leg: 'net', qty: position as SignedLots, entryPrice }],
      stops,
      equity: 10_000_000_000_000_000n as QuoteAmount,
      marginRatio,
      maintenanceRatio: null,
      fundingPayments,
    });
  }

  answer(clientOrderId: string, answer: 'yes' | 'duplicate' | 'no' | 'unknown'): Effect[] {
    return this.tell({
      kind: RecordKind.orderInput,
      clientOrderId,
      news: { news: 'placeAnswered', answer, code: answer === 'no' ? '43011' : null },
    });
  }

  seen(clientOrderId: string, status: 'open' | 'filled' | 'cancelled', filled = 0): Effect[] {
    const order = {
      side: 'buy' as const,
      price: 1 as PriceTicks,
      qty: 5 as QtyLots,
      reduceOnly: false,
      leg: 'net' as const,
    };
    return this.tell({
      kind: RecordKind.orderInput,
      clientOrderId,
      news: { news: 'seen', status, filled: filled as QtyLots, order },
    });
  }

  clock(offsetMs = 0, uncertaintyMs = 5): Effect[] {
    return this.tell({ kind: RecordKind.clockInput, offsetMs, uncertaintyMs });
  }

  stopAnswer(clientOrderId: string, answer: 'yes' | 'duplicate' | 'no' | 'unknown'): Effect[] {
    const news = { news: 'placeAnswered' as const, answer, code: answer === 'no' ? '40917' : null };
    return this.tell({ kind: RecordKind.stopInput, clientOrderId, news });
  }

  fill(
    clientOrderId: string,
    side: 'buy' | 'sell',
    price: number,
    qty: number,
    tradeId: string,
    leg: Leg = 'net',
  ): Effect[] {
    const fee = (BigInt(price * qty) * BTC.quotePerTickLotE12) / 5_000n;
    return this.tell({
      kind: RecordKind.fillInput,
      fill: {
        tradeId,
        clientOrderId,
        side,
        leg,
        price: price as PriceTicks,
        qty: qty as QtyLots,
        fee: fee as QuoteAmount,
        liquidity: 'maker',
        venueAtMs: this.nowMs,
      },
    });
  }
}

export function placed(effects: readonly Effect[]): Extract<Effect, { effect: 'place' }>['intent'][] {
  return effects.flatMap((effect) => (effect.effect === 'place' ? [effect.intent] : []));
}

export function cancelled(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => (effect.effect === 'cancel' ? [effect.clientOrderId] : []));
}

export function copyOf(state: BotState): BotState {
  return decodeState(encodeState(state));
}

export function alerts(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) =>
    effect.effect === 'record' && effect.event.type === 'alert' ? [effect.event.reason] : [],
  );
}

export function stopsPlaced(effects: readonly Effect[]): Extract<Effect, { effect: 'placeStop' }>[] {
  return effects.flatMap((effect) => (effect.effect === 'placeStop' ? [effect] : []));
}

export function stopsCancelled(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => (effect.effect === 'cancelStop' ? [effect.clientOrderId] : []));
}

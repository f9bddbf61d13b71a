/**
 * Bitget USDT perpetuals as a `Venue`: classic account, one-way mode, crossed margin.
 *
 * A call that changes something is sent at most once. It ends in YES, NO or UNKNOWN within its total deadline; NO needs
 * a proof: a listed refusal of the venue, or that the request never left (`not_sent`, `expired`).
 */
import { invariant } from '../../core/invariant.ts';
import type { Log } from '../../core/log.ts';
import { formatPrice, formatQty, type Instrument } from '../../core/market/instrument.ts';
import type { ApprovedIntent } from '../../core/risk/decision.ts';
import { createRateBudget, type RateLimits } from '../rate-budget.ts';
import type { CancelAnswer, PlaceAnswer, Venue, VenueFill, VenueOrder, VenueStream } from '../venue.ts';
import { VenueMalformed, VenueRefused, VenueUnavailable } from '../venue.ts';
import { judgeCancel, judgePlace, meaningOf, type CallFailure } from './answer-codes.ts';
import {
  BitgetAnswer,
  createBitgetSession,
  httpOrigin,
  type BitgetCall,
  type BitgetEndpoint,
  type BitgetSession,
} from './session.ts';
import { createHttpClient } from './http.ts';
import { createRedact, type BitgetKeys } from './redact.ts';
import { startBitgetStream } from './stream.ts';
import * as wire from './wire.ts';

export interface BitgetVenueOptions {
  readonly endpoint: BitgetEndpoint;
  readonly keys: BitgetKeys;
  readonly log: Log;
  readonly now?: () => number;
  /** Total time of a call: waiting for its turn, the request and the whole answer. */
  readonly callDeadlineMs?: number;
  readonly random?: () => number;
}

const CALL_DEADLINE_MS = 10_000;
const PRODUCT = { productType: 'USDT-FUTURES' } as const;
const MARGIN = { marginCoin: 'USDT' } as const;
const PAGE_ROWS = 100;
/** Bitget answers at most one week of fills a request. */
const FILLS_WINDOW_MS = 7 * 24 * 3_600_000 - 60_000;
/** ... and knows none older than this. */
const FILLS_KEPT_MS = 90 * 24 * 3_600_000;

type Group = 'place' | 'cancel' | 'cancel_symbol' | 'read' | 'market';

/**
 * Bitget's limits an account and endpoint, the lower one where sources differ; 6,000 a minute and address in all. Each
 * read endpoint may be called 10 times a second; together they get no more than one of them.
 */
const LIMITS: RateLimits<Group> = {
  perSecond: { place: 10, cancel: 10, cancel_symbol: 1, read: 10, market: 20 },
  overallPerSecond: 100,
  urgent: ['cancel', 'cancel_symbol'],
  reserved: 20,
};

const GROUP_OF_CALL: Readonly<Record<BitgetCall, Group>> = {
  serverTime: 'market',
  contracts: 'market',
  feeRates: 'read',
  place: 'place',
  cancel: 'cancel',
  cancelSymbol: 'cancel_symbol',
  order: 'read',
  ordersOpen: 'read',
  fills: 'read',
  position: 'read',
  accounts: 'read',
};

type CallResult =
  { ok: true; data: unknown } | { ok: false; failure: CallFailure } | { ok: false; failure: 'not_sent' };

export async function createBitgetVenue(options: BitgetVenueOptions): Promise<Venue> {
  const { endpoint, keys, log, now = Date.now, random = Math.random } = options;
  const callDeadlineMs = options.callDeadlineMs ?? CALL_DEADLINE_MS;
  const redact = createRedact(keys);
  const http = createHttpClient(httpOrigin(endpoint), callDeadlineMs);
  const session = await createBitgetSession({
    endpoint,
    keys,
    http,
    log: (message) => log.warn('venue library message', { text: redact(message).slice(0, 500) }),
  });
  const budget = createRateBudget(LIMITS, now);
  const instruments = new Map<string, Instrument>();
  const streams = new Set<ReturnType<typeof startBitgetStream>>();
  let closed = false;
  session.onSubscribed((channel) => streams.forEach((stream) => stream.acknowledged(channel)));

  /** One request, sent at most once, over by the deadline. Never throws for what the world did. */
  async function call(
    name: BitgetCall,
    params: Readonly<Record<string, string | number>>,
    sendUntilMs = Infinity,
  ): Promise<CallResult> {
    const deadlineAtMs = now() + callDeadlineMs;
    const granted = budget.acquire(GROUP_OF_CALL[name], Math.min(deadlineAtMs, sendUntilMs));
    if (closed || !(granted === true || (await granted)) || now() >= sendUntilMs)
      return { ok: false, failure: 'not_sent' };
    try {
      return { ok: true, data: await within(session.call(name, params), deadlineAtMs - now(), callDeadlineMs) };
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind === 'answered' && (failure.status === 429 || failure.code === '429')) {
        budget.drain(GROUP_OF_CALL[name]);
        log.warn('venue asks for fewer requests', { call: name });
      }
      return { ok: false, failure: { ...failure, reason: redact(failure.reason) } };
    }
  }

  /** The same for a read: its failures are thrown. */
  async function read(name: BitgetCall, params: Readonly<Record<string, string | number>>): Promise<unknown> {
    const result = await call(name, params);
    if (result.ok) return result.data;
    throw readError(name, result.failure);
  }

  /** The account's own rates, or the contract's where the venue has no such question (HTTP 404, as the simulator). */
  async function accountFees(contract: wire.Contract): Promise<wire.FeeRates> {
    const { symbol } = contract;
    const result = await call('feeRates', { symbol, businessType: 'mix' });
    if (result.ok) return wire.parseFeeRates(result.data);
    const { failure } = result;
    if (failure === 'not_sent' || failure.kind !== 'answered' || failure.status !== 404) {
      throw readError('feeRates', failure);
    }
    log.info('venue tells no fee rates of the account, the rates of the contract are used', { symbol });
    return contract;
  }

  async function known(symbol: string): Promise<Instrument> {
    return instruments.get(symbol) ?? venue.instrument(symbol);
  }

  async function pages(
    name: 'ordersOpen' | 'fills',
    list: 'entrustedList' | 'fillList',
    params: Readonly<Record<string, string | number>>,
  ): Promise<unknown[]> {
    const rows: unknown[] = [];
    let before: string | null = null;
    for (;;) {
      const data = await read(name, {
        ...params,
        limit: PAGE_ROWS,
        ...(before === null ? {} : { idLessThan: before }),
      });
      const page = wire.parsePage(data, list);
      rows.push(...page.rows);
      if (page.rows.length < PAGE_ROWS || page.endId === null || page.endId === before) return rows;
      before = page.endId;
    }
  }

  const venue: Venue = {
    name: `bitget-${endpoint.kind}`,

    async instrument(symbol) {
      const contract = wire.findContract(await read('contracts', { ...PRODUCT, symbol }), symbol);
      if (contract === null) throw new VenueRefused('no_such_contract', `${symbol} is no USDT perpetual of this venue`);
      const instrument = wire.parseInstrument(contract, await accountFees(contract));
      session.learn(contract);
      instruments.set(symbol, instrument);
      return instrument;
    },

    async place(intent: ApprovedIntent): Promise<PlaceAnswer> {
      const instrument = instruments.get(intent.symbol);
      invariant(instrument !== undefined, 'an instrument is read before its first order');
      if (now() >= intent.expiresAtMs) return notSent('expired', 'the intent expired before it was sent');
      const result = await call(
        'place',
        {
          symbol: intent.symbol,
          ...PRODUCT,
          ...MARGIN,
          marginMode: 'crossed',
          side: intent.side,
          orderType: 'limit',
          force: intent.kind === 'post_only' ? 'post_only' : 'gtc',
          price: formatPrice(intent.price, instrument),
          size: formatQty(intent.qty, instrument),
          reduceOnly: intent.reduceOnly ? 'YES' : 'NO',
          clientOid: intent.clientOrderId,
        },
        intent.expiresAtMs,
      );
      if (result.ok) {
        const venueOrderId = wire.parsePlaced(result.data, intent.clientOrderId);
        if (venueOrderId !== null) return { answer: 'yes', venueOrderId };
        return { answer: 'unknown', reason: 'the answer does not name the order that was sent' };
      }
      if (result.failure !== 'not_sent') return judgePlace(result.failure);
      if (now() >= intent.expiresAtMs) return notSent('expired', 'the intent expired before its turn to be sent');
      return notSent('not_sent', closed ? 'the venue connection is closed' : 'no turn within the deadline');
    },

    async cancel(symbol, clientOrderId): Promise<CancelAnswer> {
      const result = await call('cancel', { symbol, ...PRODUCT, ...MARGIN, clientOid: clientOrderId });
      if (result.ok) {
        if (wire.parsePlaced(result.data, clientOrderId) !== null) return { answer: 'yes' };
        return { answer: 'unknown', reason: 'the answer does not name the order that was to be cancelled' };
      }
      return result.failure === 'not_sent'
        ? notSent('not_sent', 'no turn within the deadline')
        : judgeCancel(result.failure);
    },

    async cancelAll(symbol): Promise<CancelAnswer> {
      const result = await call('cancelSymbol', { symbol, ...PRODUCT, ...MARGIN });
      if (!result.ok) {
        return result.failure === 'not_sent'
          ? notSent('not_sent', 'no turn within the deadline')
          : judgeCancel(result.failure);
      }
      const batch = wire.parseBatchCancelled(result.data);
      if (batch === null) return { answer: 'unknown', reason: 'the answer does not say what was cancelled' };
      if (batch.left > 0) return { answer: 'unknown', reason: `${batch.left} orders were not cancelled` };
      return batch.cancelled > 0 ? { answer: 'yes' } : { answer: 'gone' };
    },

    async openOrders(symbol): Promise<VenueOrder[]> {
      const instrument = await known(symbol);
      const rows = await pages('ordersOpen', 'entrustedList', { symbol, ...PRODUCT });
      return rows.map((row) => wire.parseOrder(row, instrument, 'rest'));
    },

    async orderByClientId(symbol, clientOrderId) {
      const instrument = await known(symbol);
      const result = await call('order', { symbol, ...PRODUCT, clientOid: clientOrderId });
      if (!result.ok) {
        if (result.failure !== 'not_sent' && meaningOf(result.failure) === 'gone') return null;
        throw readError('order', result.failure);
      }
      const order = wire.parseOrder(result.data, instrument, 'rest');
      if (order.clientOrderId === clientOrderId) return order;
      throw new VenueMalformed(`order: asked for ${clientOrderId}, was told ${order.clientOrderId}`);
    },

    async fillsSince(symbol, sinceMs): Promise<VenueFill[]> {
      const instrument = await known(symbol);
      const fills = new Map<string, VenueFill>();
      const untilMs = now();
      for (let startMs = Math.max(sinceMs, untilMs - FILLS_KEPT_MS); startMs <= untilMs; startMs += FILLS_WINDOW_MS) {
        // The last window stays open, so that our clock does not decide what the venue calls recent.
        const endMs = startMs + FILLS_WINDOW_MS;
        const window = { startTime: startMs, ...(endMs < untilMs ? { endTime: endMs } : {}) };
        for (const row of await pages('fills', 'fillList', { symbol, ...PRODUCT, ...window })) {
          const fill = wire.parseFill(row, instrument);
          if (fill.atMs >= sinceMs) fills.set(fill.tradeId, fill);
        }
      }
      return [...fills.values()].sort((a, b) => a.atMs - b.atMs);
    },

    async position(symbol) {
      const instrument = await known(symbol);
      const data = await read('position', { symbol, ...PRODUCT, ...MARGIN });
      if (!Array.isArray(data)) throw new VenueMalformed('position: expected a list');
      return wire.parsePosition(data, instrument);
    },

    balance: async () => wire.parseBalance(await read('accounts', PRODUCT)),
    serverTimeMs: async () => wire.parseServerTime(await read('serverTime', {})),

    stream(instrument, sink): VenueStream {
      invariant(instruments.has(instrument.symbol), 'an instrument is read before it is streamed');
      invariant(!closed, 'a closed venue starts no stream');
      const stream = startBitgetStream({
        session,
        instrument,
        sink,
        log,
        redact,
        now,
        random,
        onEnd() {
          streams.delete(stream);
          return streams.size > 0;
        },
      });
      streams.add(stream);
      return stream;
    },

    async close() {
      closed = true;
      await Promise.all([...streams].map((stream) => stream.stop()));
      dropSockets(session);
      budget.close();
      http.close();
    },
  };
  return venue;
}

function notSent(code: 'not_sent' | 'expired', reason: string): { answer: 'no'; code: string; reason: string } {
  return { answer: 'no', code, reason };
}

function dropSockets(session: BitgetSession): void {
  session.dropSocket('public', 'venue connection closed');
  session.dropSocket('private', 'venue connection closed');
}

/** Anything that is not the venue's own answer is "no answer", whoever threw it: it proves nothing. */
function failureOf(error: unknown): CallFailure {
  if (error instanceof BitgetAnswer) {
    return { kind: 'answered', status: error.status, code: error.code, reason: error.message };
  }
  return { kind: 'no_answer', reason: error instanceof Error ? error.message : String(error) };
}

function readError(name: BitgetCall, failure: CallFailure | 'not_sent'): Error {
  if (failure === 'not_sent') return new VenueUnavailable(`${name}: no turn within the deadline`);
  const meaning = meaningOf(failure);
  if (failure.kind === 'answered' && failure.code !== null && (meaning === 'refused' || meaning === 'gone')) {
    return new VenueRefused(failure.code, `${name}: ${failure.reason}`);
  }
  return new VenueUnavailable(`${name}: ${failure.reason}`);
}

async function within<T>(work: Promise<T>, leftMs: number, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no whole answer within ${deadlineMs} ms`)), Math.max(0, leftMs));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

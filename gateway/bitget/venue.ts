/**
 * Bitget USDT perpetuals as a `Venue`, for classic and unified accounts; what differs between them is in their dialects.
 *
 * A call that changes something is sent at most once. It ends in YES, NO or UNKNOWN within its total deadline; NO needs
 * a proof: a listed refusal of the venue, or that the request never left (`not_sent`, `expired`).
 */
import { invariant } from '../../core/invariant.ts';
import type { Log } from '../../core/log.ts';
import type { Instrument } from '../../core/market/instrument.ts';
import { createHttpClient, type HttpClient } from '../http.ts';
import { createRateBudget, type RateBudget } from '../rates/rate-budget.ts';
import type {
  CancelAnswer,
  PlaceAnswer,
  SettingAnswer,
  Venue,
  VenueFeeRates,
  VenueFill,
  VenueFundingPayment,
} from '../venue.ts';
import { VenueMalformed } from '../venue.ts';
import { detectAccountKind } from './account-kind.ts';
import { judgeCancel, judgePlace, judgeReplace, judgeSetting, meaningOf } from './answer-codes.ts';
import { createCalls, readError, type CallResult } from './calls.ts';
import { createClassicDialect } from './classic.ts';
import { parseInstrument, readContract, type Contract } from './contract.ts';
import type { AccountKind, Change, Request } from './dialect.ts';
import { BITGET_LIMITS, type BitgetRateGroup } from './limits.ts';
import { createRedact, type BitgetKeys } from './redact.ts';
import { createBitgetSession, httpOrigin, type BitgetEndpoint } from './session.ts';
import { createStopNames } from './stop-names.ts';
import { createBitgetStreams } from './stream/streams.ts';
import { foldAnswers, sweepFamily } from './sweep.ts';
import { createUnifiedDialect } from './unified.ts';
import { isFeeEstimated, parseServerTime } from './wire.ts';

export interface BitgetVenueOptions {
  readonly endpoint: BitgetEndpoint;
  readonly keys: BitgetKeys;
  readonly log: Log;
  /** Asked of the venue when left out. */
  readonly accountKind?: AccountKind;
  /** Shared by all that trade on the account; one of this process alone when left out. */
  readonly budget?: RateBudget<BitgetRateGroup>;
  readonly now?: () => number;
  /** Total time of a call: waiting for its turn, the request and the whole answer. */
  readonly callDeadlineMs?: number;
  readonly random?: () => number;
  /** The way requests leave; connections to the endpoint's own origin when left out. */
  readonly http?: HttpClient;
}

const CALL_DEADLINE_MS = 10_000;
/** More than the venue's clock and ours may ever differ by while the desk trades. */
const CLOCK_OVERLAP_MS = 60_000;
/** Bitget knows no fills and bills older than this. */
const HISTORY_MS = 90 * 24 * 3_600_000;
/** ... and answers at most 30 days of bills a request. */
const BILLS_WINDOW_MS = 30 * 24 * 3_600_000 - 60_000;

/** Throws `VenueUnavailable` or `VenueRefused` when the venue does not say which kind of account the keys belong to. */
export async function createBitgetVenue(options: BitgetVenueOptions): Promise<Venue> {
  const { endpoint, keys, log, now = Date.now, random = Math.random } = options;
  const callDeadlineMs = options.callDeadlineMs ?? CALL_DEADLINE_MS;
  const redact = createRedact(keys);
  const http = options.http ?? createHttpClient(httpOrigin(endpoint), callDeadlineMs);
  const session = await createBitgetSession({
    endpoint,
    keys,
    http,
    now,
    log: (message) => log.warn('venue library message', { text: redact(message).slice(0, 500) }),
  });
  const budget = options.budget ?? createRateBudget(BITGET_LIMITS, now, random);
  const calls = createCalls({ session, budget, callDeadlineMs, now, log, redact });
  let closed = false;
  function closeCalls(): void {
    closed = true;
    calls.close();
    // A budget that was passed in serves others too.
    if (options.budget === undefined) budget.close();
    http.close();
  }
  const { accountKind, positionMode } =
    options.accountKind !== undefined
      ? { accountKind: options.accountKind, positionMode: null }
      : await detectAccountKind(calls).catch((error: unknown) => {
          closeCalls();
          throw error;
        });
  log.info('venue account', { accountKind });

  const instruments = new Map<string, Instrument>();
  const instrumentOf = async (symbol: string): Promise<Instrument> =>
    instruments.get(symbol) ?? (await venue.instrument(symbol));
  let isEstimateTold = false;
  /** Once is enough: an account pays all its fees in the other coin, or none. */
  function noteFill(raw: unknown): void {
    if (isEstimateTold || !isFeeEstimated(raw)) return;
    isEstimateTold = true;
    log.warn('fees are paid in another coin than USDT: fills are charged the full rate of the contract', {});
  }
  const createDialect = accountKind === 'classic' ? createClassicDialect : createUnifiedDialect;
  const dialect = createDialect({ read: calls.read, instrumentOf, noteFill, positionMode });
  const streams = createBitgetStreams({
    endpoint,
    keys,
    accountKind,
    log,
    redact,
    now,
    random,
    positionMode: () => dialect.knownPositionMode(),
  });
  const stopNames = createStopNames();

  /** The account's own rates, or the contract's where the venue has no such question (HTTP 404). */
  async function ratesOf(contract: Contract): Promise<VenueFeeRates> {
    const { symbol, makerFeeRate: maker, takerFeeRate: taker } = contract;
    try {
      return await dialect.feeRates(symbol);
    } catch (error) {
      if (!(error instanceof Error && / HTTP 404\b/.test(error.message))) throw error;
      log.info('venue tells no fee rates of the account, the rates of the contract are used', { symbol });
      return { maker, taker };
    }
  }

  function readInstrument(symbol: string): Instrument {
    const instrument = instruments.get(symbol);
    invariant(instrument !== undefined, 'an instrument is read before its first order');
    return instrument;
  }

  function notSent(): { answer: 'no'; code: string; reason: string } {
    return no('not_sent', closed ? 'the venue connection is closed' : 'no turn within the deadline');
  }

  /** Sends a change whose proof is the venue's order id. */
  async function put(change: Change<string>, untilMs = Infinity, judge = judgePlace): Promise<PlaceAnswer> {
    const result = await calls.send(change.call, change.params, untilMs);
    if (result.ok) {
      const venueOrderId = change.proof(result.answer.data);
      if (venueOrderId !== null) return { answer: 'yes', venueOrderId };
      return unknown('the answer does not name the order that was sent');
    }
    if (result.failure !== 'not_sent') return judge(result.failure);
    return now() >= untilMs ? no('expired', 'the intent expired before its turn to be sent') : notSent();
  }

  async function setAll(changes: readonly Change<true>[] | null): Promise<SettingAnswer> {
    if (changes === null) return no('not_supported', 'the venue has no such call for this kind of account');
    for (const [index, { call, params, proof }] of changes.entries()) {
      const result = await calls.send(call, params);
      if (result.ok && proof(result.answer.data) !== null) continue;
      if (result.ok) return unknown('the answer does not confirm what was set');
      const answer = result.failure === 'not_sent' ? notSent() : judgeSetting(result.failure);
      // What came before was done, so that a plain no would be wrong.
      return index > 0 && answer.answer === 'no' ? unknown(`half done, then ${answer.code}: ${answer.reason}`) : answer;
    }
    return { answer: 'yes' };
  }

  /** A change of settings may begin with a read; when that fails, nothing was sent. */
  async function setting(changes: () => Promise<readonly Change<true>[] | null>): Promise<SettingAnswer> {
    let found: readonly Change<true>[] | null;
    try {
      found = await changes();
    } catch (error) {
      return no('not_sent', `the settings as they are could not be read: ${(error as Error).message}`);
    }
    return setAll(found);
  }

  async function windows<T>(
    sinceMs: number,
    windowMs: number,
    readWindow: (window: { startMs: number; endMs: number | null }) => Promise<readonly T[]>,
  ): Promise<T[]> {
    const untilMs = now();
    const found: T[] = [];
    // Times of the venue may be ahead of our clock, and it is the venue that knows what came after them.
    const fromMs = Math.min(sinceMs, untilMs - CLOCK_OVERLAP_MS);
    for (let startMs = Math.max(fromMs, untilMs - HISTORY_MS); startMs <= untilMs; startMs += windowMs) {
      const endMs = startMs + windowMs;
      found.push(...(await readWindow({ startMs, endMs: endMs < untilMs ? endMs : null })));
    }
    return found;
  }

  async function lookUp(request: Request, instrument: Instrument, clientOrderId: string) {
    const result: CallResult = await calls.send(request.call, request.params);
    if (!result.ok) {
      if (result.failure !== 'not_sent' && meaningOf(result.failure) === 'gone') return null;
      throw readError(request.call, result.failure);
    }
    const order = dialect.parseOrder(result.answer.data, instrument);
    if (order.clientOrderId === clientOrderId) return order;
    throw new VenueMalformed(`order: asked for ${clientOrderId}, was told ${order.clientOrderId}`);
  }

  const venue: Venue = {
    name: `bitget-${endpoint.kind}`,
    capabilities: dialect.capabilities,

    async instrument(symbol) {
      const contract = await readContract(calls, symbol);
      const { maker, taker } = await ratesOf(contract);
      const instrument = parseInstrument(contract, { makerFeeRate: maker, takerFeeRate: taker });
      instruments.set(symbol, instrument);
      return instrument;
    },

    async place(intent) {
      const instrument = readInstrument(intent.symbol);
      if (now() >= intent.expiresAtMs) return no('expired', 'the intent expired before it was sent');
      return put(dialect.place(intent, instrument), intent.expiresAtMs);
    },

    async amend(clientOrderId, to) {
      const instrument = readInstrument(to.symbol);
      if (now() >= to.expiresAtMs) return no('expired', 'the intent expired before it was sent');
      const change = dialect.amend(clientOrderId, to, instrument);
      if (change === null) return no('not_supported', 'the venue cannot give an amended order another id');
      const amended = await put(change, to.expiresAtMs);
      if (amended.answer !== 'yes' || !dialect.amendsByNewOrder) return amended;
      // The old order is cancelled and a new one made on the way: only the venue's own record of it is a yes.
      try {
        const order = await lookUp(dialect.order(to.symbol, to.clientOrderId), instrument, to.clientOrderId);
        if (order !== null) return { answer: 'yes', venueOrderId: order.venueOrderId };
        return unknown('the amended order is not listed yet');
      } catch (error) {
        return unknown(`the amended order could not be looked up: ${(error as Error).message}`);
      }
    },

    async cancel(symbol, clientOrderId) {
      const { call, params, proof } = dialect.cancel(symbol, clientOrderId);
      const result = await calls.send(call, params);
      if (!result.ok) return result.failure === 'not_sent' ? notSent() : judgeCancel(result.failure);
      if (proof(result.answer.data) !== null) return { answer: 'yes' };
      return unknown('the answer does not name the order that was to be cancelled');
    },

    async cancelAll({ symbol, families }) {
      const answers: CancelAnswer[] = [];
      for (const family of new Set(families)) {
        const wholeUntilMs = now() + callDeadlineMs / 2;
        answers.push(await sweepFamily(calls, dialect.sweep(family), symbol, wholeUntilMs));
      }
      return foldAnswers(answers);
    },

    placeStop: (stop) => put(dialect.placeStop(stop, readInstrument(stop.symbol))),

    async replaceStop(clientOrderId, stop) {
      const change = dialect.replaceStop(stopNames.atVenue(clientOrderId), stop, readInstrument(stop.symbol));
      const answer = await put(change, Infinity, judgeReplace);
      if (answer.answer === 'yes') stopNames.renamed(clientOrderId, stop.clientOrderId);
      return answer;
    },

    async cancelStop(symbol, clientOrderId): Promise<CancelAnswer> {
      const venueName = stopNames.atVenue(clientOrderId);
      const { call, params, proof } = dialect.cancelStop(symbol, venueName);
      const result = await calls.send(call, params);
      if (!result.ok) {
        const answer = result.failure === 'not_sent' ? notSent() : judgeCancel(result.failure);
        if (answer.answer === 'gone') stopNames.forget(clientOrderId);
        return answer;
      }
      const isNamed = proof(result.answer.data) !== null;
      try {
        const waiting = isNamed ? [] : await dialect.triggerOrders(symbol);
        if (waiting.some((order) => order.clientOrderId === venueName)) return unknown('the stop is still listed');
      } catch (error) {
        return unknown(`whether the stop still waits could not be read: ${(error as Error).message}`);
      }
      stopNames.forget(clientOrderId);
      return { answer: isNamed ? 'yes' : dialect.unnamedStopIs };
    },

    openOrders: (symbol) => dialect.openOrders(symbol),
    async triggerOrders(symbol) {
      const orders = await dialect.triggerOrders(symbol);
      return orders.map((order) => {
        const { clientOrderId } = order;
        return clientOrderId === null ? order : { ...order, clientOrderId: stopNames.atDesk(clientOrderId) };
      });
    },
    async orderByClientId(symbol, clientOrderId) {
      return lookUp(dialect.order(symbol, clientOrderId), await instrumentOf(symbol), clientOrderId);
    },
    async fillsSince(symbol, sinceMs) {
      const instrument = await instrumentOf(symbol);
      const fills = await windows(sinceMs, dialect.fillsWindowMs, (window) => dialect.fills(instrument, window));
      return inOrder(fills, sinceMs, (fill: VenueFill) => fill.tradeId);
    },
    async fundingPaymentsSince(symbol, sinceMs) {
      const payments = await windows(sinceMs, BILLS_WINDOW_MS, (window) => dialect.fundingPayments(symbol, window));
      return inOrder(payments, sinceMs, (payment: VenueFundingPayment) => payment.paymentId);
    },
    positions: (symbol) => dialect.positions(symbol),
    balance: () => dialect.balance(),
    feeRates: (symbol) => dialect.feeRates(symbol),
    ticker: (symbol) => dialect.ticker(symbol),
    funding: (symbol) => dialect.funding(symbol),
    recentBars: (symbol, barMs, count) => dialect.recentBars(symbol, barMs, count),
    serverTimeMs: async () => parseServerTime((await calls.read('serverTime', {})).data),

    settings: (symbol) => dialect.settings(symbol),
    setLeverage: (symbol, leverage) => setting(() => dialect.setLeverage(symbol, leverage)),
    async setMarginMode(symbol, marginMode) {
      const answer = await setting(() => dialect.setMarginMode(symbol, marginMode));
      if (answer.answer === 'yes') dialect.changed({ symbol, marginMode });
      return answer;
    },
    async setPositionMode(positionMode) {
      const answer = await setting(() => dialect.setPositionMode(positionMode));
      if (answer.answer === 'yes') dialect.changed({ positionMode });
      return answer;
    },

    stream: (instrument, sink) => streams.stream(instrument, sink),
    streamMarket: (instrument, sink) => streams.streamMarket(instrument, sink),

    async close() {
      closed = true;
      calls.close();
      await streams.close();
      closeCalls();
    },
  };
  return venue;
}

function no(code: string, reason: string): { answer: 'no'; code: string; reason: string } {
  return { answer: 'no', code, reason };
}

function unknown(reason: string): { answer: 'unknown'; reason: string } {
  return { answer: 'unknown', reason };
}

/** Each once, oldest first. */
function inOrder<T extends { readonly atMs: number }>(
  rows: readonly T[],
  sinceMs: number,
  idOf: (row: T) => string,
): T[] {
  const unique = new Map(rows.filter(({ atMs }) => atMs >= sinceMs).map((row) => [idOf(row), row]));
  return [...unique.values()].sort((a, b) => a.atMs - b.atMs);
}

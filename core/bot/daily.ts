/**
 * The bot's UTC day: what it began with, what it has come to, and the peak that the drawdown is measured from. It outlives
 * restarts with the state, and only a new day ends it: a clock set back does not. What is held is no part of it, so position
 * and entry price go through midnight untouched.
 *
 * Transfers. Money that comes or goes is neither profit nor loss. Equity less all that this bot earned and paid (realised
 * profit, fees, funding) is what people put in, its *capital*; a read of the venue after which that has moved has seen a
 * transfer: the day's start moves with it, and the peak in proportion, so that loss and drawdown stay what they were. Limits
 * of this: moves within `noiseQuote` count as profit or loss; so does a transfer between two reads of which the second also
 * corrected the position, since a loss that no fill explains must not pass as a withdrawal; and what another symbol
 * of the same account earned or lost counts as a transfer, since it is not this bot's.
 */
import { feesOf, isFlat, netLots, realisedOf } from '../accounting/holdings.ts';
import { formatQuote, parseQuote, quoteToNumber } from '../money/decimal.ts';
import { addQuote, subtractQuote, type QuoteAmount } from '../money/money.ts';
import { formatQty } from '../market/instrument.ts';
import { tell } from './alerts.ts';
import type { Effects } from './effects.ts';
import type { OrderDesk } from './order-desk.ts';
import type { BotState } from './state.ts';
import { DAY_MS, equityOf, text, worthTicksOf } from './telemetry.ts';

/** Plain JSON values, part of the bot's state. Amounts as text are exact USDT, numbers are statistics. */
export interface DailyMemory {
  /** Number of the UTC day; -1 before the first input. */
  day: number;
  /** First equity of the day; null until one is known. */
  equityStart: number | null;
  /** Last known equity, and the highest of this bot's life. */
  equityLast: number | null;
  equityPeak: number | null;
  /** Largest loss from the start, and largest fall from the peak, of the day. */
  lossQuoteMax: number;
  drawdownPctMax: number;
  /** The bot's totals when the day began. */
  realisedBefore: string;
  feesBefore: string;
  fundingBefore: string;
  fillsBefore: number;
  volumeQuote: string;
  /** Sum of the day's transfers; positive came in. */
  transferred: string;
  /** What people put in, at the last read; null before the first. */
  capital: string | null;
  /** A read of the wallet that has not been looked through for a transfer yet. */
  walletRead: 'none' | 'agrees' | 'adopted';
}

export function blankDaily(): DailyMemory {
  return {
    day: -1,
    equityStart: null,
    equityLast: null,
    equityPeak: null,
    lossQuoteMax: 0,
    drawdownPctMax: 0,
    realisedBefore: '0',
    feesBefore: '0',
    fundingBefore: '0',
    fillsBefore: 0,
    volumeQuote: '0',
    transferred: '0',
    capital: null,
    walletRead: 'none',
  };
}

/** Null while it cannot be told: before the first read, or while something is held that has no price. */
export function equityKnown(state: BotState, desk: Pick<OrderDesk, 'instrument'>): number | null {
  if (!state.everSynced || state.isWalletGross) return null;
  if (worthTicksOf(state) === null && !isFlat(state.holdings)) return null;
  return equityOf(state, desk);
}

/** Before each input is folded: the first one of a new UTC day closes the day before it. */
export function rollDay(state: BotState, atMs: number, desk: OrderDesk, effects: Effects): void {
  if (atMs >= (state.daily.day + 1) * DAY_MS) beginDay(state, Math.floor(atMs / DAY_MS), desk, effects);
}

function beginDay(state: BotState, day: number, desk: OrderDesk, effects: Effects): void {
  const { daily, holdings } = state;
  settleWallet(state, desk, effects);
  const equity = finiteOrNull(equityKnown(state, desk));
  if (daily.day >= 0) tell(state, 'day_closed', '', dayFigures(state, equity, desk), effects);
  daily.day = day;
  daily.equityStart = equity;
  daily.lossQuoteMax = 0;
  daily.drawdownPctMax = 0;
  daily.realisedBefore = formatQuote(realisedOf(holdings));
  daily.feesBefore = formatQuote(feesOf(holdings));
  daily.fundingBefore = formatQuote(state.funding);
  daily.fillsBefore = state.fills;
  daily.volumeQuote = '0';
  daily.transferred = '0';
}

function dayFigures(state: BotState, equity: number | null, { instrument }: OrderDesk) {
  const { daily, holdings } = state;
  const equityEnd = equity ?? daily.equityLast;
  return {
    day: new Date(daily.day * DAY_MS).toISOString().slice(0, 10),
    equityStart: daily.equityStart === null ? null : text(daily.equityStart),
    equityEnd: equityEnd === null ? null : text(equityEnd),
    transferred: daily.transferred,
    realised: formatQuote(subtractQuote(realisedOf(holdings), parseQuote(daily.realisedBefore))),
    fees: formatQuote(subtractQuote(feesOf(holdings), parseQuote(daily.feesBefore))),
    funding: formatQuote(subtractQuote(state.funding, parseQuote(daily.fundingBefore))),
    fills: state.fills - daily.fillsBefore,
    volumeQuote: daily.volumeQuote,
    lossQuoteMax: text(daily.lossQuoteMax),
    drawdownPctMax: daily.drawdownPctMax,
    position: formatQty(netLots(holdings), instrument),
  };
}

/** Once a second: follows the peak, and the loss of the day. */
export function markEquity(state: BotState, desk: OrderDesk, effects: Effects): void {
  settleWallet(state, desk, effects);
  const { daily } = state;
  const equity = finiteOrNull(equityKnown(state, desk));
  if (equity === null) return;
  daily.equityLast = equity;
  daily.equityStart ??= equity;
  daily.equityPeak = Math.max(daily.equityPeak ?? equity, equity);
  daily.lossQuoteMax = Math.max(daily.lossQuoteMax, daily.equityStart - equity);
  if (daily.equityPeak > 0) {
    const drawdownPct = ((daily.equityPeak - equity) / daily.equityPeak) * 100;
    daily.drawdownPctMax = Math.max(daily.drawdownPctMax, drawdownPct);
  }
}

/** Of each fill that moves the position. */
export function noteVolume(daily: DailyMemory, amount: QuoteAmount): void {
  daily.volumeQuote = formatQuote(addQuote(parseQuote(daily.volumeQuote), amount));
}

/** The wallet was taken over from the venue, all fills and funding of that read being counted already. */
export function noteWalletRead(daily: DailyMemory, isPositionAdopted: boolean): void {
  // A correction that was not looked at yet is not forgotten for a later read that agrees.
  if (daily.walletRead !== 'adopted') daily.walletRead = isPositionAdopted ? 'adopted' : 'agrees';
}

/** A person takes responsibility for the fall so far: the peak is where the equity is. The day's loss stays. */
export function acceptDrawdown(state: BotState, atMs: number, desk: OrderDesk): void {
  const { daily } = state;
  daily.equityPeak = finiteOrNull(equityKnown(state, desk)) ?? daily.equityLast;
  // After a clock that was days ahead nothing else ends a day that has not come yet.
  daily.day = Math.min(daily.day, Math.floor(atMs / DAY_MS));
}

/** Mark and mid differ, and so does what the venue's equity and ours make of the position: 1 % of it, and a little more. */
const NOISE_QUOTE = 1;
const NOISE_POSITION_RATIO = 0.01;

/** Waits until the position has a price. */
function settleWallet(state: BotState, desk: OrderDesk, effects: Effects): void {
  const { daily, holdings } = state;
  if (daily.walletRead === 'none') return;
  const equity = equityKnown(state, desk);
  if (equity === null) return;
  const isAdopted = daily.walletRead === 'adopted';
  const before = daily.capital;
  const earned = addQuote(subtractQuote(realisedOf(holdings), feesOf(holdings)), state.funding);
  const capital = subtractQuote(state.wallet, earned);
  daily.capital = formatQuote(capital);
  daily.walletRead = 'none';
  if (before === null || isAdopted) return;
  const moved = subtractQuote(capital, parseQuote(before));
  const positionQuote = Math.abs(netLots(holdings)) * (worthTicksOf(state) ?? 0) * desk.instrument.quotePerTickLot;
  const noiseQuote = NOISE_QUOTE + NOISE_POSITION_RATIO * positionQuote;
  if (Math.abs(quoteToNumber(moved)) > noiseQuote) takeTransferOut(state, moved, equity, effects);
}

function takeTransferOut(state: BotState, moved: QuoteAmount, equity: number, effects: Effects): void {
  const { daily } = state;
  const amount = quoteToNumber(moved);
  const equityBefore = equity - amount;
  daily.transferred = formatQuote(addQuote(parseQuote(daily.transferred), moved));
  if (daily.equityStart !== null) daily.equityStart += amount;
  if (daily.equityLast !== null) daily.equityLast += amount;
  if (daily.equityPeak !== null) {
    // In proportion: half of the money gone leaves the same drawdown on the rest.
    const isProportional = equity > 0 && equityBefore > 0;
    daily.equityPeak = isProportional ? daily.equityPeak * (equity / equityBefore) : daily.equityPeak + amount;
  }
  tell(state, 'transfer_seen', '', { amount: formatQuote(moved), equity: text(equity) }, effects);
}

function finiteOrNull(value: number | null): number | null {
  return Number.isFinite(value) ? value : null;
}

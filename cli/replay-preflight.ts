/** What the start of a bot would refuse in a recorded market: told beside the result of a replay, which goes on all the same. */
import pc from 'picocolors';
import { OPENING_BALANCE } from '../backtest/tally.ts';
import { flatHoldings } from '../core/accounting/holdings.ts';
import type { BotConfig } from '../core/bot/bot-config.ts';
import { judgePreflight } from '../core/bot/preflight.ts';
import { faultLine, type Fault } from '../core/faults.ts';
import type { Instrument } from '../core/market/instrument.ts';
import { OpKind, type Recording } from '../core/recording/recording.ts';

/** As its process judges it before the first order; the account is as the file wants it, since a replay has none. */
export function preflight(config: BotConfig, instrument: Instrument, feed: Recording, fromMs: number): Fault[] {
  const { positionMode, marginMode, leverageMax } = config;
  return judgePreflight(config, {
    instrument,
    price: tradedFrom(feed, fromMs) * instrument.tickSize,
    settings: { positionMode, marginMode, leverage: String(Math.floor(leverageMax)) },
    holdings: flatHoldings(),
    equity: Number(OPENING_BALANCE),
  });
}

/** Ticks of the first trade from `fromMs` on; 0 where there is none. */
function tradedFrom({ frameAtMs, frameCount, firstOp, opKind, opTicks }: Recording, fromMs: number): number {
  let frame = 0;
  while (frame < frameCount - 1 && frameAtMs[frame]! < fromMs) frame += 1;
  const op = opKind.findIndex((kind, place) => place >= firstOp[frame]! && kind >= OpKind.buyTrade);
  return opTicks[op] ?? 0;
}

export function preflightLines(bot: string, faults: readonly Fault[]): string[] {
  const lines = faults.map((fault) => `  ${faultLine(fault)}`);
  return [pc.yellow(`./desk up would not start ${bot} in this market:`), ...lines];
}

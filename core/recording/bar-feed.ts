/**
 * A feed made of bars, for markets of which no more was recorded: within each bar the price walks from the open over the
 * nearer extreme to the other one and to the close, with a tick between bid and ask and the bar's volume traded along the
 * way. Every price it shows lies within its bar; when the price was where, and in which order, nobody knows.
 */
import type { BarSeries } from './bar-series.ts';
import { NO_MARKS, OpKind, type Recording } from './recording.ts';

/** Prices that are shown of each bar; the walk turns at the first and the second third. */
const POINTS = 12;
const TURNS = [0, 4, 8, POINTS - 1] as const;
/** A trade, two levels that go and two that come. */
const OPS_MAX = 5;

/** Bars [fromRow, toRow) of `series`. The bars of a hole are not there: the price stands still meanwhile. */
export function feedOfBars(
  series: BarSeries,
  sources: Recording['sources'],
  fromRow = 0,
  toRow = series.openAtMs.length,
): Recording {
  const frameCount = (toRow - fromRow) * POINTS;
  const startedAtMs = series.openAtMs[fromRow]!;
  const frameAtMs = new Float64Array(frameCount);
  const firstOp = new Uint32Array(frameCount + 1);
  const opKind = new Uint8Array(frameCount * OPS_MAX);
  const opTicks = new Int32Array(frameCount * OPS_MAX);
  const opLots = new Float64Array(frameCount * OPS_MAX);
  const path = new Int32Array(POINTS);
  let op = 0;
  const add = (kind: number, ticks: number, lots: number): void => {
    opKind[op] = kind;
    opTicks[op] = ticks;
    opLots[op] = lots;
    op += 1;
  };
  let bidTicks = 0;
  let lots = 0;
  for (let row = fromRow; row < toRow; row++) {
    walk(series, row, path);
    const lotsEach = Math.max(1, Math.floor(series.volumeLots[row]! / POINTS));
    for (let point = 0; point < POINTS; point++) {
      const frame = (row - fromRow) * POINTS + point;
      frameAtMs[frame] = series.openAtMs[row]! - startedAtMs + Math.floor((point * series.barMs) / POINTS);
      firstOp[frame] = op;
      const wasTicks = bidTicks;
      bidTicks = path[point]!;
      if (wasTicks > 0 && bidTicks !== wasTicks) {
        // Who moved the price traded on the way, before the levels show it.
        if (bidTicks > wasTicks) add(OpKind.buyTrade, wasTicks + 1, lotsEach);
        else add(OpKind.sellTrade, wasTicks, lotsEach);
        add(OpKind.bid, wasTicks, 0);
        add(OpKind.ask, wasTicks + 1, 0);
      }
      if (bidTicks === wasTicks && lotsEach === lots) continue;
      lots = lotsEach;
      add(OpKind.bid, bidTicks, lots);
      add(OpKind.ask, bidTicks + 1, lots);
    }
  }
  firstOp[frameCount] = op;
  return {
    sources,
    frameCount,
    frameAtMs,
    firstOp,
    opKind: opKind.subarray(0, op),
    opTicks: opTicks.subarray(0, op),
    opLots: opLots.subarray(0, op),
    startedAtMs,
    marks: NO_MARKS,
  };
}

/** Bids at each point of the walk; the ask is a tick higher, so that a bar's high is an ask and its low a bid. */
function walk({ open, high, low, close }: BarSeries, row: number, path: Int32Array): void {
  const bidOf = (ticks: number): number => Math.max(low[row]!, Math.min(ticks, high[row]! - 1));
  const isLowFirst = open[row]! - low[row]! <= high[row]! - open[row]!;
  const corners = [open[row]!, isLowFirst ? low[row]! : high[row]!, isLowFirst ? high[row]! : low[row]!, close[row]!];
  for (let leg = 0; leg < TURNS.length - 1; leg++) {
    const [from, to] = [TURNS[leg]!, TURNS[leg + 1]!];
    const [fromTicks, toTicks] = [bidOf(corners[leg]!), bidOf(corners[leg + 1]!)];
    for (let point = from; point <= to; point++) {
      path[point] = Math.round(fromTicks + ((toTicks - fromTicks) * (point - from)) / (to - from));
    }
  }
}

/** Why a side has a quote or none, in the numbers of this one decision: what an earlier one left behind is not told. */
import type { BotMachine } from '../../core/bot/machine.ts';
import { reasonName, type Reason } from '../../core/bot/reasons.ts';
import type { Side } from '../../core/orders/order-intent.ts';
import type { Explained } from '../../core/strategies/strategy.ts';
import type { ReplayedStep } from '../../journal/machine-replay.ts';
import { figure } from './words.ts';

type ReasonName = keyof typeof Reason;

export interface SideFacts {
  /** `quoted` where a quote is wanted; the reason of the whole tick where nothing was asked of the strategy. */
  readonly reason: ReasonName;
  readonly isAsked: boolean;
  /** Of its quote nearest to the market; null where none was judged. */
  readonly edgeBps: number | null;
  readonly edgeBpsMin: number | null;
  /** Where the side stands aside: what a round trip costs, and what the market pays. */
  readonly floorBps: number | null;
  readonly marketBps: number | null;
}

/** What a strategy answers. Every other reason kept the question from it. */
const ANSWERS: ReadonlySet<ReasonName> = new Set([
  'quoted',
  'inventory_full',
  'order_below_minimum',
  'indicators_warming_up',
  'spread_floor_above_market',
  'edge_below_minimum',
  'reducing_only',
  'nothing_to_reduce',
]);
/** Of these a tick that could not size either side is told by the side itself. */
const SIZED: ReadonlySet<ReasonName> = new Set(['inventory_full', 'order_below_minimum', 'nothing_to_reduce']);
/** What is told side by side, and would be an earlier decision's elsewhere. */
const OF_A_SIDE = /^(edge|withheld)(Bid|Ask)/;

export function sideOf(
  { machine, reason: code }: Pick<ReplayedStep, 'reason'> & { readonly machine: Pick<BotMachine, 'desired'> },
  explain: Explained,
  side: Side,
): SideFacts {
  const reason = reasonName(code);
  const none = { edgeBps: null, edgeBpsMin: null, floorBps: null, marketBps: null };
  if (!ANSWERS.has(reason)) return { reason, isAsked: false, ...none };
  const name = side === 'buy' ? 'Bid' : 'Ask';
  const number = (key: string): number | null => (typeof explain[key] === 'number' ? explain[key] : null);
  const judged = { ...none, edgeBps: number(`edge${name}Bps`), edgeBpsMin: number(`edge${name}BpsMin`) };
  const { bidLots, askLots } = machine.desired;
  const isWanted = (side === 'buy' ? bidLots : askLots).some((lots) => lots > 0);
  if (isWanted) return { reason: 'quoted', isAsked: true, ...judged };
  switch (explain[`withheld${name}`]) {
    case 'edge_below_minimum':
      return { reason: 'edge_below_minimum', isAsked: true, ...judged };
    case 'spread_floor_above_market':
      return { reason: 'spread_floor_above_market', isAsked: true, ...none, floorBps: number('floorBps'), marketBps: number('marketBps') }; // prettier-ignore
    default:
      return { reason: unsizedReason(reason, explain, side), isAsked: true, ...none };
  }
}

/** Why a side got no size: the tick tells it, or, where the other side's reason went first, the position does. */
function unsizedReason(reason: ReasonName, explain: Explained, side: Side): ReasonName {
  if (SIZED.has(reason) || reason === 'indicators_warming_up') return reason;
  if (explain['isReducing'] === true) return 'nothing_to_reduce';
  const fullness = typeof explain['fullness'] === 'number' ? explain['fullness'] : 0;
  return (side === 'buy' ? fullness : 0 - fullness) > 0 ? 'inventory_full' : 'order_below_minimum';
}

/** What a strategy explains of all sides together. */
export function sharedExplained(explain: Explained): Explained {
  return Object.fromEntries(Object.entries(explain).filter(([name]) => !OF_A_SIDE.test(name)));
}

export function sideText({ reason, isAsked, edgeBps, edgeBpsMin, floorBps, marketBps }: SideFacts): string {
  if (!isAsked) return `no quote: ${reason} keeps the strategy from being asked`;
  const edge = edgeBps === null || edgeBpsMin === null ? '' : `: edge ${figure(edgeBps, 3)} bps, at least ${figure(edgeBpsMin, 3)} wanted`; // prettier-ignore
  switch (reason) {
    case 'quoted':
      return `quote wanted${edge}`;
    case 'edge_below_minimum':
      return `no quote: not worth it${edge}`;
    case 'spread_floor_above_market':
      return `no quote: a round trip costs ${bps(floorBps)} (the floor), and the market pays ${bps(marketBps)}`;
    case 'inventory_full':
      return 'no quote: the position is as large as it may be in this direction';
    case 'order_below_minimum':
      return 'no quote: its size is less than the contract takes';
    case 'nothing_to_reduce':
      return 'no quote: only a smaller position is wanted, and this side makes none smaller';
    default:
      return `no quote: ${reason}`;
  }
}

const bps = (value: number | null): string => (value === null ? 'nobody knows what' : `${figure(value, 3)} bps`);

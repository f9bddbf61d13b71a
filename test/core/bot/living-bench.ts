/** A bench with a venue that goes on living: books, supervisor and clock come every second, and reads agree with our books. */
import { LEGS, unrealisedOf } from '../../../core/accounting/holdings.ts';
import type { Effect } from '../../../core/bot/effects.ts';
import type { BotEvent } from '../../../core/bot/events.ts';
import type { SyncInput } from '../../../core/bot/input.ts';
import { worthTicksOf } from '../../../core/bot/telemetry.ts';
import { RecordKind } from '../../../core/events/record.ts';
import type { QuoteAmount } from '../../../core/money/money.ts';
import { Bench, botConfig, BTC, cancelled, placed } from '../../support/bots.ts';

export class LivingBench extends Bench {
  /** Everything put on record since the beginning. */
  readonly events: BotEvent[] = [];
  readonly done: Effect[] = [];
  /** What the venue says to every order. */
  placeAnswer: 'yes' | 'no' = 'yes';
  /** Best bid of the next book. */
  bid = 600_000;

  override tell(untimed: Parameters<Bench['tell']>[0], afterMs = 0): Effect[] {
    const effects = super.tell(untimed, afterMs);
    this.done.push(...effects);
    for (const effect of effects) if (effect.effect === 'record') this.events.push(effect.event);
    return effects;
  }

  /** The venue's answers to every order and cancel among `effects`, and to what follows from them. */
  pass(effects: readonly Effect[]): readonly Effect[] {
    for (const { clientOrderId } of placed(effects)) this.pass(this.answer(clientOrderId, this.placeAnswer));
    for (const clientOrderId of cancelled(effects)) this.pass(this.seen(clientOrderId, 'cancelled'));
    return effects;
  }

  /** Seconds of a market that trembles around `bid`, so that no book looks stale. */
  live(seconds: number, bid = this.bid): this {
    this.bid = bid;
    for (let second = 0; second < seconds; second += 1) {
      this.pass(this.book(bid + (second % 2), bid + 10 + (second % 2), 500));
      if (second % 10 === 0) {
        this.clock();
        this.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
      }
      this.pass(this.timer(500));
    }
    return this;
  }

  /** What the venue says when it is read now: our books, changed by what the test wants. */
  read({
    moved = 0n,
    legs,
    ...told
  }: Partial<SyncInput> & { moved?: bigint; legs?: SyncInput['positions'] } = {}): this {
    const { wallet, holdings } = this.state;
    const unrealised = unrealisedOf(holdings, worthTicksOf(this.state) ?? this.bid + 5, BTC.quotePerTickLot);
    const ours = LEGS.map((leg) => ({ leg, qty: holdings[leg].qty, entryPrice: '60000' }));
    this.tell({
      kind: RecordKind.positionInput,
      openOrders: [],
      fills: [],
      positions: legs ?? ours.filter(({ qty }) => qty !== 0),
      stops: [],
      equity: (wallet + BigInt(Math.round(unrealised * 1e6)) * 1_000_000n + moved) as QuoteAmount,
      marginRatio: null,
      maintenanceRatio: null,
      fundingPayments: [],
      ...told,
    });
    return this;
  }

  /** A bot that holds `lots` bought or sold at 60,000, beside 10,000 USDT. */
  static holding(
    lots: number,
    risk: Record<string, unknown> = {},
    overrides: Record<string, unknown> = {},
  ): LivingBench {
    const config = botConfig();
    const bench = new LivingBench(botConfig({ ...overrides, risk: { ...config.risk, ...risk } }));
    bench.nowMs += 3_600_000;
    bench.run({ position: lots, entryPrice: lots === 0 ? null : '60000.5' });
    return bench.live(2);
  }

  /** A new process, which reads what the old one left; `moved` came to the account meanwhile. */
  restartProcess(moved = 0n): this {
    this.tell({ kind: RecordKind.startInput, epoch: this.state.epoch + 1, configHash: '', codeVersion: '' });
    this.tell({ kind: RecordKind.connectorInput, channel: 'book', status: 'up', reason: '' });
    this.tell({ kind: RecordKind.connectorInput, channel: 'orders', status: 'up', reason: '' });
    this.clock();
    this.read({ moved });
    this.tell({ kind: RecordKind.controlInput, command: { command: 'ping' } });
    return this;
  }

  operator(command: 'pause' | 'resume' | 'hardStop' | 'approveRestart'): Effect[] {
    return this.tell({ kind: RecordKind.controlInput, command: { command, operator: 'ana', reason: 'looked at it' } });
  }

  eventsOf<T extends BotEvent['type']>(type: T): Extract<BotEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<BotEvent, { type: T }> => event.type === type);
  }

  /** Every step of the ladder as `from to code`. */
  steps(): string[] {
    return this.events.flatMap((event) =>
      event.type === 'escalation' ? [`${event.detail['from']} ${event.detail['to']} ${event.reason}`] : [],
    );
  }
}

/** What a handler gets, and how it reads parameters: everything from outside is text until it was checked here. */
import type { Instrument } from '../../core/market/instrument.ts';
import { DecimalError, parseScaled } from '../../core/money/decimal.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import type { Account } from '../exchange/account.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { refuse } from '../exchange/refusal.ts';
import { PRODUCT_TYPE } from '../exchange/wire.ts';
import type { Countdowns } from './unified-countdown.ts';

export class Parameters {
  private readonly values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.values = values;
  }

  /** Null when absent or empty. */
  optional(name: string): string | null {
    const value = this.values[name];
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    return typeof value === 'string' && value !== '' ? value : null;
  }

  required(name: string): string {
    const value = this.optional(name);
    if (value === null) throw refuse.missing(name);
    return value;
  }

  choice<T extends string>(name: string, choices: readonly T[], absent?: T): T {
    const value = this.optional(name)?.toLowerCase();
    if (value === undefined && absent !== undefined) return absent;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw value === undefined ? refuse.missing(name) : refuse.badParameter(name);
    return found;
  }

  whole(name: string, absent: number): number {
    const value = this.optional(name);
    if (value === null) return absent;
    if (!/^\d{1,16}$/.test(value)) throw refuse.badParameter(name);
    return Number(value);
  }

  list(name: string): Parameters[] {
    const value = this.values[name];
    if (!Array.isArray(value)) return [];
    return value.map(
      (entry: unknown) => new Parameters(entry !== null && typeof entry === 'object' ? { ...entry } : {}),
    );
  }

  /** The only product that can be traded here. */
  requireUsdtFutures(): void {
    if (!this.isUsdtFutures) throw refuse.badParameter('productType');
  }

  get isUsdtFutures(): boolean {
    return this.optional('productType')?.toUpperCase() === PRODUCT_TYPE;
  }
}

export interface PublicContext {
  readonly exchange: Exchange;
  readonly parameters: Parameters;
  readonly nowMs: number;
}

export interface PrivateContext extends PublicContext {
  readonly account: Account;
  readonly countdowns: Countdowns;
}

/** Handlers answer the `data` field. */
export type PublicHandler = (context: PublicContext) => unknown;
export type PrivateHandler = (context: PrivateContext) => unknown;

export function readPrice(text: string, { tickE12, spec }: Instrument): PriceTicks {
  return onGrid(text, tickE12, () => refuse.priceOffGrid(spec.tick)) as PriceTicks;
}

export function readQty(text: string, { lotE12, spec }: Instrument): QtyLots {
  return onGrid(text, lotE12, () => refuse.qtyOffGrid(text, decimalsOf(spec.lot))) as QtyLots;
}

export function decimalsOf(step: string): number {
  return step.split('.')[1]?.length ?? 0;
}

function onGrid(text: string, stepE12: bigint, offGrid: () => Error): number {
  let scaled: bigint;
  try {
    scaled = parseScaled(text, 12);
  } catch (error) {
    if (error instanceof DecimalError) throw refuse.badParameter(text);
    throw error;
  }
  if (scaled <= 0n || scaled % stepE12 !== 0n) throw offGrid();
  const steps = Number(scaled / stepE12);
  if (!Number.isSafeInteger(steps)) throw refuse.badParameter(text);
  return steps;
}

/** What a v3 socket subscribes: a topic of a product type, mostly of one symbol. */
export interface Topic {
  readonly instType: string;
  readonly topic: string;
  readonly symbol?: string;
  /** Candles only. */
  readonly interval?: string;
}

/** Product type of the private topics. */
export const UNIFIED_ACCOUNT = 'UTA';
export const USDT_FUTURES = 'usdt-futures';

/** Private topics may name the symbol `default`, which is all of them. */
export function topicKey({ instType, topic, symbol, interval }: Topic): string {
  const name = symbol === undefined || symbol === 'default' ? '' : symbol;
  return `${instType}/${topic}/${name}${topic === 'kline' ? `/${interval ?? ''}` : ''}`;
}

/** The recorded messages, and what the v1 recording needs to be read as v2. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createInstrument, type Instrument } from '../../../core/market/instrument.ts';
import type { DataFrame } from '../../../gateway/bitget/stream/subscriptions.ts';

const FOLDER = 'test/gateway/fixtures/bitget-ws';

export type Message = DataFrame & { readonly event?: string };

export function ndjson<T>(name: string): T[] {
  return readFileSync(`${FOLDER}/${name}`, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

export function instrument(symbol: string, tick: string, lot: string): Instrument {
  return createInstrument({ symbol, tick, lot, qtyMin: lot, notionalMin: '5', makerFeeRate: '0.0002', takerFeeRate: '0.0006' }); // prettier-ignore
}

/** Data messages of the v1 recording in v2 framing: names of fields change, texts of prices and sizes stay. */
export function recordingAsV2(): Message[] {
  const lines = gunzipSync(readFileSync(`${FOLDER}/ws-v1-mix-recording-20220407.txt.gz`))
    .toString('utf8')
    .split('\n');
  const messages: Message[] = [];
  for (const line of lines) {
    const start = line.indexOf(': {');
    if (start === -1 || line.includes('<->') || line.includes('<-')) continue;
    const message = JSON.parse(line.slice(start + 2)) as Message;
    const channel = message.arg.channel;
    if (message.event !== undefined || !['books', 'trade', 'ticker'].includes(String(channel))) continue;
    const arg = { ...message.arg, instType: 'USDT-FUTURES' };
    if (channel === 'trade') {
      // v1 trades have no id: their place in the recording stands for it.
      const data = (message.data as [string, string, string, string][]).map(([ts, price, size, side], at) => ({
        ts,
        price,
        size,
        side,
        tradeId: `${messages.length}-${at}`,
      }));
      messages.push({ ...message, arg, data });
    } else if (channel === 'ticker') {
      const data = (message.data as Record<string, unknown>[]).map((row) => ({
        instId: row.instId,
        lastPr: row.last,
        bidPr: row.bestBid,
        askPr: row.bestAsk,
        markPrice: row.markPrice,
        fundingRate: row.capitalRate,
        nextFundingTime: String(row.nextSettleTime as number),
        ts: String(row.systemTime as number),
      }));
      messages.push({ ...message, arg, data });
    } else messages.push({ ...message, arg });
  }
  return messages;
}

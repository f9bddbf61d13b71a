/**
 * The same order request as the gateway sends, by hand: a string, one HMAC and one write on a socket that is open already.
 * No client library, no journal, no machine: what is left is what any order costs.
 */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { SimulatedAccountFile } from '../../core/simulation/options.ts';

const PLACE = '/api/v2/mix/order/place-order';
const CANCEL = '/api/v2/mix/order/cancel-order';

export type HandKeys = Pick<SimulatedAccountFile, 'apiKey' | 'secret' | 'passphrase'>;

export interface HandOrder {
  /** From nothing to the bytes in the kernel's hands. */
  readonly writtenMs: number;
  /** ... to the first byte of the answer. */
  readonly answeredMs: number;
}

export class HandClient {
  private readonly socket: Socket;
  private readonly account: HandKeys;
  private readonly host: string;

  private constructor(socket: Socket, account: HandKeys, host: string) {
    this.socket = socket;
    this.account = account;
    this.host = host;
  }

  static async open(port: number, account: HandKeys): Promise<HandClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new HandClient(socket, account, `127.0.0.1:${port}`);
  }

  /** Places an order far from the market, measures, and takes it off the book again. */
  async place(symbol: string, price: string, size: string, clientOid: string): Promise<HandOrder> {
    const startedAt = performance.now();
    this.socket.write(handPlaceRequest(this.account, this.host, symbol, price, size, clientOid));
    const writtenAt = performance.now();
    const answer = await this.answer();
    const answeredAt = performance.now();
    if (!answer.includes('"00000"')) throw new Error(`the order by hand was not taken: ${answer}`);
    this.socket.write(
      signedRequest(
        this.account,
        this.host,
        CANCEL,
        `{"symbol":"${symbol}","productType":"USDT-FUTURES","marginCoin":"USDT","clientOid":"${clientOid}"}`,
      ),
    );
    await this.answer();
    return { writtenMs: writtenAt - startedAt, answeredMs: answeredAt - startedAt };
  }

  close(): void {
    this.socket.destroy();
  }

  private async answer(): Promise<string> {
    const [chunk] = (await once(this.socket, 'data')) as [Buffer];
    return chunk.toString();
  }
}

/** A post-only buy as it goes over the wire. */
export function handPlaceRequest(
  keys: HandKeys,
  host: string,
  symbol: string,
  price: string,
  size: string,
  clientOid: string,
): string {
  return signedRequest(
    keys,
    host,
    PLACE,
    `{"symbol":"${symbol}","productType":"USDT-FUTURES","marginCoin":"USDT","marginMode":"crossed","side":"buy",` +
      `"orderType":"limit","force":"post_only","price":"${price}","size":"${size}","clientOid":"${clientOid}"}`,
  );
}

function signedRequest({ apiKey, secret, passphrase }: HandKeys, host: string, path: string, body: string): string {
  const timestamp = Date.now();
  const sign = createHmac('sha256', secret).update(`${timestamp}POST${path}${body}`).digest('base64');
  return (
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nACCESS-KEY: ${apiKey}\r\n` +
    `ACCESS-SIGN: ${sign}\r\nACCESS-TIMESTAMP: ${timestamp}\r\nACCESS-PASSPHRASE: ${passphrase}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: keep-alive\r\n\r\n${body}`
  );
}

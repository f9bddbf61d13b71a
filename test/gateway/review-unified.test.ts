/** A unified account is more than futures, and its figures are finer than ours: neither may reach the bot as something else. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { parseQuote } from '../../core/money/decimal.ts';
import { SILENT } from '../../core/log.ts';
import { createBitgetVenue } from '../../gateway/bitget/venue.ts';
import { openFixturePeer, UNIFIED_SETTINGS, type FixturePeer } from './fixture-peer.ts';
import { CANARY_KEYS, isConnector, isKind, listen, startRawPeer, success, type RawPeer } from './raw-peer.ts';
import { BTC, startPeer, streamsAt, type Peer } from './bitget-stream/peer.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Row = Record<string, unknown>;
const ORDER: Row = { category: 'usdt-futures', symbol: 'BTCUSDT', orderId: '7', clientOid: 'b-1', price: '27000', qty: '0.002', holdMode: 'one_way_mode', side: 'buy', reduceOnly: 'no', cumExecQty: '0', orderStatus: 'new', createdTime: '1742367838101', updatedTime: '1742367838115' }; // prettier-ignore
const FILL: Row = { category: 'USDT-FUTURES', symbol: 'BTCUSDT', side: 'buy', orderId: '7', feeDetail: [{ feeCoin: 'USDT', fee: '0.5' }], execTime: '1736378720623', tradeScope: 'taker', tradeSide: 'open', execId: '9', execPrice: '27000', holdSide: 'long', execQty: '0.001', clientOid: 'b-1' }; // prettier-ignore

describe('orders and fills of spot and margin, where the symbol has the same name', () => {
  test.each(['spot', 'SPOT', 'margin'])('%s is not told as futures', async (category) => {
    const peer: Peer = await startPeer({
      onSubscribe({ channel, acknowledge, push }) {
        acknowledge();
        // Off the contract's grid, as spot is: it may not take the channel down either.
        const spot = { category, price: '27000.57', execPrice: '27000.57', qty: '0.000123', execQty: '0.000123' };
        if (channel === 'order') push([{ ...ORDER, ...spot, orderId: '1', clientOid: 'spot-1' }, ORDER]);
        if (channel === 'fill') push([{ ...FILL, ...spot, execId: '1', clientOid: 'spot-1' }, FILL]);
      },
    });
    const { streams } = streamsAt(peer.wsUrl, { accountKind: 'unified', positionMode: () => 'one_way' });
    ends.push(() => peer.close(), () => streams.close()); // prettier-ignore
    const { sink, heard, next } = listen();
    const stream = streams.stream(BTC, sink);
    const told = Promise.all([next(isKind('order')), next(isKind('fill'))]).then(() => 'told');
    const lost = next(isConnector('orders', 'down')).then(() => 'lost');
    expect(await Promise.race([told, lost])).toBe('told');
    await stream.stop();
    const ids = heard.flatMap((item) =>
      item.kind === 'order' || item.kind === 'fill' ? [item.value.clientOrderId] : [],
    );
    expect(ids).toEqual(ids.filter((id) => id === 'b-1'));
  });

  test('on the grid it does not pass for a fill of ours', async () => {
    const peer: Peer = await startPeer({
      onSubscribe({ channel, acknowledge, push }) {
        acknowledge();
        if (channel === 'fill') push([{ ...FILL, category: 'spot', execId: '1', clientOid: 'spot-1' }, FILL]);
      },
    });
    const { streams } = streamsAt(peer.wsUrl, { accountKind: 'unified', positionMode: () => 'one_way' });
    ends.push(() => peer.close(), () => streams.close()); // prettier-ignore
    const { sink, next } = listen();
    streams.stream(BTC, sink);
    expect((await next(isKind('fill'))).value.clientOrderId).toBe('b-1');
  });
});

test('one-way: the first fill of a process belongs to the net position, before anything else was read', async () => {
  const peer: RawPeer = await startRawPeer({
    onCall({ path }, response) {
      if (path.startsWith('/api/v3/account/settings')) response.end(success(UNIFIED_SETTINGS));
      else response.writeHead(404).end('{"code":"404"}');
    },
    onSocket(socket) {
      socket.on('message', (data: Buffer) => {
        const text = data.toString('utf8');
        if (text === 'ping') return socket.send('pong');
        const { op, args } = JSON.parse(text) as { op: string; args: { topic: string }[] };
        if (op === 'login') return socket.send('{"event":"login","code":0}');
        for (const arg of args) {
          socket.send(JSON.stringify({ event: 'subscribe', arg }));
          if (arg.topic === 'fill') socket.send(JSON.stringify({ action: 'snapshot', arg, data: [FILL] }));
        }
      });
    },
  });
  const { httpUrl, wsUrl } = peer;
  // The kind is asked of the venue: the same answer tells the position mode.
  const venue = await createBitgetVenue({
    endpoint: { kind: 'simulator', httpUrl, wsUrl },
    keys: CANARY_KEYS,
    log: SILENT,
  });
  ends.push(() => peer.close(), () => venue.close()); // prettier-ignore
  const { sink, next } = listen();
  venue.stream(BTC, sink);
  expect((await next(isKind('fill'))).value.leg).toBe('net');
});

test('an equity with more decimals than the desk keeps is an equity, not a failed read', async () => {
  // As recorded: the balance of a unified account after a settlement of funding.
  const equity = '59981.7105387860399993';
  const peer: FixturePeer = await openFixturePeer(
    { '/api/v3/account/assets': () => ({ data: { assets: [{ coin: 'USDT', equity, available: equity }] } }) },
    { accountKind: 'unified' },
  );
  ends.push(() => peer.close());
  const balance = await peer.venue.balance();
  expect(Number(parseQuote(balance.equity)) / 1e12).toBeCloseTo(59_981.71, 2);
});

/** Time: what is measured, what signs, and what a passing skew may do. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { SILENT } from '../../core/log.ts';
import { probeAccount } from '../../gateway/bitget/account-probe.ts';
import { openFixturePeer } from './fixture-peer.ts';
import { CANARY_KEYS, intent, startRawPeer } from './raw-peer.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

test('requests are signed by the clock whose offset is measured', async () => {
  // The wall clock was set back by an hour: the bot's own clock goes on, and it is the one that is compared with the venue's.
  const now = (): number => Date.now() + 3_600_000;
  const peer = await openFixturePeer(
    { '/api/v2/mix/order/place-order': () => ({ data: { orderId: '1', clientOid: 'bot1-0-1' } }) },
    { now },
  );
  ends.push(() => peer.close());
  await peer.venue.instrument('BTCUSDT');
  await peer.venue.place(intent({ expiresAtMs: now() + 60_000 }));
  const call = peer.calls.find(({ path }) => path.endsWith('place-order'));
  expect(Math.abs(Number(call?.headers['access-timestamp']) - now())).toBeLessThan(5_000);
});

describe('probe', () => {
  test.each(['40005', '40008'])('a refused timestamp (%s) passes: the key is not disabled', async (code) => {
    const peer = await startRawPeer({
      onCall: (_call, response) => void response.writeHead(400).end(JSON.stringify({ code, msg: 'timestamp' })),
    });
    ends.push(() => peer.close());
    const endpoint = { kind: 'simulator' as const, httpUrl: peer.httpUrl, wsUrl: peer.wsUrl };
    const probe = await probeAccount({ endpoint, keys: CANARY_KEYS, log: SILENT, symbol: 'BTCUSDT' });
    expect(probe.status).toBe('error');
  });
});

test('fills are asked of the venue, whatever our clock says of the time since', async () => {
  const peer = await openFixturePeer({}, {});
  ends.push(() => peer.close());
  // Last read under a clock that was ten minutes ahead and has been put right since.
  await peer.venue.fillsSince('BTCUSDT', Date.now() + 540_000);
  expect(peer.calls.some(({ path }) => path.startsWith('/api/v2/mix/order/fills'))).toBe(true);
});

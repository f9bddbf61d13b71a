/** Needs root: a disk that is really full is a small tmpfs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SILENT } from '../../core/log.ts';
import type { PriceTicks, QtyLots } from '../../core/money/money.ts';
import type { ApprovedIntent } from '../../core/risk/decision.ts';
import { createPaperVenue } from '../../gateway/paper/venue.ts';
import { createRecordedMarket } from '../../gateway/recorded/market.ts';
import { Listener } from '../gateway/conformance/listener.ts';
import { DATA_DIR, loadOnce, recordedMarkets } from '../gateway/conformance/recordings.ts';

const SYMBOL = 'BTCUSDT';
let disk = '';
beforeEach(() => {
  disk = mkdtempSync(join(tmpdir(), 'paper-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
});
afterEach(() => {
  execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

function open() {
  const market = createRecordedMarket({
    dataDir: DATA_DIR,
    markets: recordedMarkets(SYMBOL),
    speed: 0,
    load: loadOnce,
  });
  const stateDir = join(disk, 'bot1');
  return createPaperVenue({ market, account: 'bot1', openingBalance: '1000', grade: 'queue', stateDir, log: SILENT });
}

test('a full disk ends the paper account: nothing is claimed, and what was answered is there', async () => {
  const venue = open();
  const listener = new Listener();
  venue.stream(await venue.instrument(SYMBOL), listener.sink);
  const { bid } = await listener.next('book');
  const price = Math.floor(bid * 0.95) as PriceTicks;
  const place = (n: number) =>
    venue.place({ clientOrderId: `o${n}`, symbol: SYMBOL, side: 'buy', price, qty: 1 as QtyLots, kind: 'limit', reduceOnly: false, leg: 'net', expiresAtMs: Infinity } as ApprovedIntent); // prettier-ignore
  expect(await place(0)).toMatchObject({ answer: 'yes' });
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize));
  let acknowledged = 1;
  let last = await place(acknowledged);
  for (; last.answer === 'yes'; last = await place(acknowledged)) acknowledged += 1;
  expect(last).toMatchObject({ answer: 'unknown', reason: expect.stringContaining('ENOSPC') });
  await listener.connector('orders', 'down');
  await expect(venue.openOrders(null)).rejects.toMatchObject({ name: 'VenueUnavailable' });
  expect(await venue.cancel(SYMBOL, 'o0')).toMatchObject({ answer: 'unknown' });
  await venue.close();

  unlinkSync(join(disk, 'filler'));
  const again = open();
  const kept = (await again.openOrders(null)).map(({ clientOrderId }) => clientOrderId);
  expect(kept).toEqual(Array.from({ length: acknowledged }, (_, n) => `o${n}`));
  await again.close();
});

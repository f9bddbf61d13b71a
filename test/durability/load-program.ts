/**
 * A source of events as a bot is one, without a market: appends through the real journal for ever, and tells only what the
 * journal has acknowledged. After SIGUSR2 it dies with its next word: what was acknowledged too early has no later moment to be
 * written in. Arguments: the journal's folder, the file that gets a line `<sequence> <event sequence>` each time.
 */
import { appendFileSync, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RecordKind } from '../../core/events/record.ts';
import { SILENT } from '../../core/log.ts';
import { openJournal } from '../../journal/journal.ts';
import { lastAcknowledged } from './acknowledged.ts';

const [dir = '', acknowledgedFile = ''] = process.argv.slice(2);
const PAUSE_MS = 40;
const SEGMENT_BYTES = 1024 * 1024;
const ORDERS = 500;

/** What its own number says it is, so that every stored row can be checked against its place. */
function eventOf(n: number, bot: string): [kind: number, event: object] {
  const clientOrderId = `${bot}-${n % ORDERS}`;
  const order = { clientOrderId, symbol: 'BTCUSDT', side: n % 2 === 0 ? 'buy' : 'sell', price: '60000', qty: '0.004' };
  if (n % 7 === 0) {
    const money = { leg: 'net', fee: '0.048', liquidity: 'maker', positionAfter: '0', realised: '0' };
    const fill = { type: 'fill', tradeId: `${bot}-t${n}`, ...order, ...money, atMs: Date.now(), external: false };
    return [RecordKind.fillEvent, { n, ...fill }];
  }
  const state = n % 3 === 0 ? 'closed' : 'open';
  const told = { type: 'order', ...order, filled: '0', state, closeReason: null, code: null, external: false };
  return [RecordKind.orderEvent, { n, ...told }];
}

// Numbers are used again after a loss, and a journal that was written on hides it: so each start looks.
const told = lastAcknowledged(acknowledgedFile);
const { journal, recovery } = await openJournal({ dir, log: SILENT, segmentBytes: SEGMENT_BYTES });
if (recovery.lastSequence < told.sequence)
  appendFileSync(`${acknowledgedFile}.lost`, `${told.sequence} acknowledged, ${recovery.lastSequence} there\n`);
const acknowledged = openSync(acknowledgedFile, 'a', 0o600);
const bot = dir.split('/').at(-1) ?? '';
let isLastWord = false;
process.on('SIGUSR2', () => void (isLastWord = true));
console.log(JSON.stringify({ ready: true }));
for (let round = 0; ; round += 1) {
  const atMs = Date.now();
  journal.append(RecordKind.bookInput, 1, 0, atMs, 'an input between events');
  for (let i = 0; i < 3 + (round % 5); i += 1) {
    const [kind, event] = eventOf(journal.nextEventSequence, bot);
    journal.append(kind, 1, journal.nextSequence - 1, atMs, JSON.stringify(event));
  }
  const [sequence, eventSequence] = [journal.nextSequence - 1, journal.nextEventSequence - 1];
  await journal.durable();
  writeSync(acknowledged, `${sequence} ${eventSequence}\n`);
  if (isLastWord) process.kill(process.pid, 'SIGKILL');
  await sleep(PAUSE_MS);
}

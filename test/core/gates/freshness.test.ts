import { describe, expect, test } from '@jest/globals';
import { freshnessOf, type FreshnessReport } from '../../../core/gates/freshness/judge.ts';
import { lengthOf, listeningOf, union, type BotListening, type Span } from '../../../core/gates/freshness/listening.ts';
import { freshnessMarkdown, freshnessText } from '../../../core/gates/freshness/text.ts';
import type { MarketStreamsEvent } from '../../../core/market/stream-report.ts';
import type { StreamName } from '../../../core/market/streams.ts';
import { createChance } from '../../../core/simulation/chance.ts';
import { heardMarket, hearingMarket, type HeardMarket } from '../../support/heard-market.ts';
import { trials } from '../../support/trials.ts';

const AT = 1_700_000_000_000;
const RANGE_MS = 300_000;
const FROM = AT - RANGE_MS;
const S = 1_000;

function bot(name: string, told: readonly MarketStreamsEvent[], change: Partial<BotListening> = {}): BotListening {
  const symbol = change.symbol ?? 'BTCUSDT';
  return { ...listeningOf({ bot: name, symbol, isEnabled: true }, change.before ?? null, told), ...change };
}

/** Times in seconds of the range. */
const spell = (stream: StreamName, fromS: number, toS: number) => ({
  stream,
  fromMs: FROM + fromS * S,
  toMs: FROM + toS * S,
});
const hearing = (change: Partial<HeardMarket> = {}) => hearingMarket({ fromMs: FROM, toMs: AT, ...change });
const judge = (...bots: BotListening[]): FreshnessReport => freshnessOf({ fromMs: FROM, atMs: AT, bots });
const codes = (report: FreshnessReport): string[] =>
  report.findings.map(({ code, symbol, stream, bot }) => [code, symbol, stream, bot].filter(Boolean).join(' '));

describe('one bot that listens', () => {
  test.each([
    ['all is well', {}, []],
    // A message after 30 s of silence is just in time.
    ['a book silent for 30 s', { silent: [spell('book', 100.5, 130)] }, []],
    ['a book silent for longer', { silent: [spell('book', 100.5, 131)] }, ['silent_too_long book']],
    ['a book silent to the end', { silent: [spell('book', 250, 999)] }, ['stale book']],
    ['a book that has never come', { silent: [spell('book', 0, 999)] }, ['never book']],
    ['a book that repeats itself', { repeated: [spell('book', 100, 200)] }, ['venue_time_lags book']],
    ['a book that repeats itself for 25 s', { repeated: [spell('book', 100, 125)] }, []],
    ['many silences of 20 s', { silent: [20, 60, 100, 140].map((s) => spell('book', s, s + 20)) }, ['covered_too_little book']], // prettier-ignore
    ['a quiet symbol: no trade at all', { silent: [spell('trades', 0, 999)] }, []],
    ['no trade, and no ticker, while the book comes', { silent: [spell('trades', 0, 999), spell('ticker', 100.5, 180)] }, ['silent_too_long ticker']], // prettier-ignore
    ['no trade, and the channel is gone', { down: [spell('trades', 100, 200)] }, ['silent_too_long trades']],
    ['no trade, and nothing else either', { silent: [spell('trades', 0, 999), spell('book', 150, 999), spell('ticker', 150, 999)] }, ['stale book', 'stale trades', 'stale ticker']], // prettier-ignore
    ['a ticker silent for a minute', { silent: [spell('ticker', 100.5, 162)] }, ['silent_too_long ticker']],
    ['funding that is told twice late', { silent: [spell('funding', 30, 260)] }, ['silent_too_long funding']],
    ['an account with nothing to say', { silent: [spell('orders', 0, 999), spell('positions', 0, 999)] }, []],
    ['an account that cannot be heard', { down: [spell('orders', 200, 999)] }, ['stale orders']],
    ['an account that could not be heard', { down: [spell('positions', 100, 170)] }, ['silent_too_long positions']],
  ])('%s', (_name, change: Partial<HeardMarket>, expected: string[]) => {
    const report = judge(bot('bot1', hearing(change)));
    const named = expected.map((one) => one.split(' ')).map(([code, stream]) => `${code} BTCUSDT ${stream} bot1`);
    expect(codes(report)).toEqual(named);
    expect(report.pass).toBe(named.length === 0);
  });

  test('figures of a stream', () => {
    const report = judge(
      bot('bot1', hearing({ silent: [spell('book', 100.5, 120)], down: [spell('trades', 30, 40)] })),
    );
    const [book, trades] = report.streams;
    expect(book).toMatchObject({ symbol: 'BTCUSDT', stream: 'book', messages: 592, ageMs: 0, silentMs: 20 * S });
    // By the venue's clock it was 30 ms on its way.
    expect(book?.listeners).toMatchObject([
      { bot: 'bot1', venueAgeMs: 30, lagMsMax: 30, silentFromMs: FROM + 100 * S },
    ]);
    // Fresh for 3 s of the 20, and the bot told 15 s more than the range.
    expect(book?.coveredRatio).toBeCloseTo((RANGE_MS + 15 * S - 17 * S) / (RANGE_MS + 15 * S), 6);
    expect(trades?.listeners[0]).toMatchObject({ downs: 1 });
  });
});

describe('who listens', () => {
  const gone = { toMs: AT - 100 * S };

  const before = (toldToMs: number, state: 'left' | 'listening') => ({
    before: { bot: 'bot1', symbol: 'BTCUSDT', toldToMs, state },
  });

  test.each([
    ['a bot that left in order', bot('bot1', heardMarket({ fromMs: FROM, ...gone })), 'left', 100],
    ['a bot that was killed', bot('bot1', heardMarket({ fromMs: FROM, ...gone, isKilled: true })), 'lost', 105],
    ['a bot that has never told anything', bot('bot1', []), 'untold', 300],
    ['a bot that left before', bot('bot1', [], before(FROM - S, 'left')), 'left', 300],
    ['a bot that was there before', bot('bot1', [], before(FROM + S, 'listening')), 'lost', 299],
  ] as const)('%s is not listened to, and no stale stream', (_name, listening, state, unheardS) => {
    const report = judge(listening);
    expect(codes(report)).toEqual(['not_listened BTCUSDT']);
    expect(report.findings[0]).toMatchObject({ measured: unheardS * S, limit: 0 });
    expect(report).toMatchObject({ pass: false, bots: [{ bot: 'bot1', state }] });
  });

  test('another bot of the symbol that listens makes up for it', () => {
    const report = judge(bot('bot1', heardMarket({ fromMs: FROM, ...gone })), bot('bot2', hearing()));
    expect(report).toMatchObject({ pass: true, bots: [{ state: 'left' }, { state: 'listening' }] });
    expect(report.streams[0]?.listeners.map(({ bot }) => bot)).toEqual(['bot1', 'bot2']);
  });

  test('a bot that hears nothing is not made up for by one that does: it decides on what it hears', () => {
    const report = judge(bot('bot1', hearing({ silent: [spell('book', 200, 999)] })), bot('bot2', hearing()));
    expect(codes(report)).toEqual(['stale BTCUSDT book bot1']);
    expect(report.streams[0]).toMatchObject({ ageMs: 0, silentMs: expect.any(Number) });
  });

  test('a restart is no silence, however long it takes; a long one is not listened to', () => {
    const restarted = (downS: number) =>
      judge(
        bot('bot1', [
          ...heardMarket({ fromMs: FROM, toMs: FROM + 100 * S }),
          ...hearing({ fromMs: FROM + (100 + downS) * S }),
        ]),
      );
    expect(codes(restarted(59))).toEqual([]);
    expect(codes(restarted(61))).toEqual(['not_listened BTCUSDT']);
    expect(restarted(61).streams[0]?.silentMs).toBe(500);
  });

  test('a bot that left after it was asked was heard, and the next check will miss it', () => {
    const report = judge(bot('bot1', heardMarket({ fromMs: FROM, toMs: AT + 5 * S })));
    expect(report).toMatchObject({ pass: true, bots: [{ state: 'left' }] });
  });

  test('a process that has heard nothing does not take back what the one before it heard', () => {
    const silent = [spell('book', 100, 999)];
    const report = judge(bot('bot1', [...heardMarket({ fromMs: FROM, toMs: FROM + 99 * S }), ...hearing({ fromMs: FROM + 105 * S, silent })])); // prettier-ignore
    expect(codes(report)).toEqual(['stale BTCUSDT book bot1']);
    // It told last at 315 s.
    expect(report.streams[0]).toMatchObject({ ageMs: (315 - 99) * S, silentMs: (315 - 105) * S });
  });

  test('what was told before is looked at by the check before', () => {
    const before = { bot: 'bot1', symbol: 'BTCUSDT', toldToMs: FROM + 15 * S, state: 'listening' as const };
    const told = hearing({ silent: [spell('book', 100.5, 120)] }).slice(1);
    const [book] = judge(bot('bot1', told, { before })).streams;
    expect(book?.coveredRatio).toBeCloseTo((RANGE_MS - 17 * S) / RANGE_MS, 6);
  });

  test('what a killed process had not told is not listened to, and the next one need not wait for it', () => {
    const killed = heardMarket({ fromMs: FROM, toMs: FROM + 102 * S, isKilled: true });
    const report = judge(bot('bot1', [...killed, ...hearing({ fromMs: FROM + 103 * S })]));
    expect(codes(report)).toEqual([]);
    expect(report.bots[0]?.listenedMs).toBe(90 * S + 210 * S);
  });

  test('a disabled bot is waited for by nobody, and its symbol is not asked for', () => {
    const disabled = bot('bot2', [], { isEnabled: false, symbol: 'ETHUSDT' });
    const report = judge(bot('bot1', hearing()), disabled);
    expect(report).toMatchObject({ pass: true, bots: [{ state: 'listening' }, { state: 'disabled' }] });
    expect(new Set(report.streams.map(({ symbol }) => symbol))).toEqual(new Set(['BTCUSDT']));
    expect(codes(judge(disabled))).toEqual(['no_streams']);
    expect(judge().pass).toBe(false);
  });

  test('what was told of another symbol proves nothing of this one', () => {
    expect(codes(judge(bot('bot1', hearing({ symbol: 'ETHUSDT' }))))).toEqual(['not_listened BTCUSDT']);
  });

  test('every finding has words, and the page has a row for each stream of each listener', () => {
    const report = judge(
      bot('bot1', hearing({ silent: [spell('book', 250, 999), spell('ticker', 0, 999)], repeated: [spell('funding', 0, 999)] })), // prettier-ignore
      bot('bot2', heardMarket({ fromMs: FROM, ...gone }), { symbol: 'ETHUSDT' }),
      bot('bot3', [], { symbol: 'SOLUSDT', isEnabled: false }),
    );
    expect(report.findings.map(freshnessText)).toEqual([
      'book of BTCUSDT, as bot1 heard it, is silent: 65.5 s, allowed 30.0 s',
      'ticker of BTCUSDT, as bot1 heard it, has said nothing since it is listened to: 315.0 s, allowed 60.0 s',
      "funding of BTCUSDT, as bot1 heard it, told what was old by the venue's clock: 300.0 s, allowed 180.0 s",
      'nobody listens to ETHUSDT: 300.0 s of the range were not heard',
    ]);
    const page = freshnessMarkdown(report);
    expect(page).toContain('# Market data: 4 findings');
    expect(page.split('\n').filter((line) => line.startsWith('| BTCUSDT'))).toHaveLength(6);
    expect(page).toContain('| bot3 | SOLUSDT | never | 0.0 s | 0 | disabled by its configuration |');
  });
});

describe('laws', () => {
  test('figures are the same however reports are cut, and the longest silence is the longest of the messages', () => {
    for (let seed = 1; seed <= trials({ ci: 30, long: 3_000 }); seed += 1) {
      const random = createChance(seed);
      const silent = Array.from({ length: 3 }, () => {
        const fromS = Math.floor(random() * 300);
        return spell(random() < 0.5 ? 'book' : 'ticker', fromS + 0.25, fromS + 0.25 + Math.floor(random() * 80));
      });
      const told = hearing({ silent });
      const whole = listeningOf({ bot: 'b', symbol: 'BTCUSDT', isEnabled: true }, null, told);
      // The oracle: when messages came, by the spells alone.
      for (const [at, stream] of (['book', 'ticker'] as const).entries()) {
        const came: number[] = [];
        for (let atMs = FROM; atMs <= AT + 15 * S; atMs += 500)
          if (!silent.some((one) => one.stream === stream && atMs >= one.fromMs && atMs < one.toMs)) came.push(atMs);
        const gaps = [...came, AT + 15 * S].map((atMs, index) => atMs - (came[index - 1] ?? FROM));
        const report = whole.streams[at * 2]!;
        expect({ seed, stream, n: report.messages, most: report.silentMs }).toEqual({ seed, stream, n: came.length, most: Math.max(...gaps) }); // prettier-ignore
      }
      const cut = Math.floor(random() * told.length);
      const [one, two] = [told.slice(0, cut), told.slice(cut)].map((part) => listeningOf(whole, null, part));
      expect(union([...one!.spans, ...two!.spans])).toEqual(whole.spans);
      expect(one!.reconnects + two!.reconnects).toBe(whole.reconnects);
    }
  });

  test('joined spans are as long as what any of them covers', () => {
    for (let seed = 1; seed <= trials({ ci: 200, long: 20_000 }); seed += 1) {
      const random = createChance(seed);
      const spans: Span[] = Array.from({ length: Math.floor(random() * 6) }, () => {
        const fromMs = Math.floor(random() * 40);
        return { fromMs, toMs: fromMs + Math.floor(random() * 15) };
      });
      const covered = Array.from({ length: 60 }, (_, at) => spans.some((one) => one.fromMs <= at && at < one.toMs));
      expect({ seed, length: lengthOf(union(spans)) }).toEqual({ seed, length: covered.filter(Boolean).length });
    }
  });
});

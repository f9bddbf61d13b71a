import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  judgeCancel,
  judgePlace,
  judgeReplace,
  judgeSetting,
  meaningOf,
  troubleOf,
  troubleOfCode,
  type CallFailure,
} from '../../gateway/bitget/answer-codes.ts';
import { KIND_OF_CODE, type AnswerKind } from '../../gateway/bitget/answer-kinds.ts';
import { createHttpClient } from '../../gateway/http.ts';
import { BitgetAnswer, createBitgetSession } from '../../gateway/bitget/session.ts';
import { wsMeaning } from '../../gateway/bitget/socket-codes.ts';
import { CANARY_KEYS } from './raw-peer.ts';

interface PublishedCode {
  readonly code: string;
  readonly pages: readonly string[];
  readonly text: string;
}

const ROWS: readonly PublishedCode[] = readFileSync('test/gateway/fixtures/bitget-codes.tsv', 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [code = '', pages = '', text = ''] = line.split('\t');
    return { code, pages: pages.split(' '), text };
  });
/** The socket's own numbers are judged by `wsMeaning` alone. */
const PUBLISHED = ROWS.filter(({ pages }) => !pages.includes('socket'));
const CODES = [...new Set(PUBLISHED.map(({ code }) => code))];
const codesOn = (page: string): number =>
  new Set(ROWS.filter(({ pages }) => pages.includes(page)).map(({ code }) => code)).size;

const STATUSES = [200, 400, 401, 403, 404, 429, 500, 502, 503, 504] as const;
const STATUSES_OF_THE_VENUE: readonly number[] = [200, 400, 401, 403];
const JUDGES = { place: judgePlace, cancel: judgeCancel, setting: judgeSetting } as const;
type Call = keyof typeof JUDGES;
const CALLS = Object.keys(JUDGES) as Call[];

const answered = (code: string | null, status = 200): CallFailure => ({
  kind: 'answered',
  status,
  code,
  reason: 'why',
});
const answersTo = (failure: CallFailure) => CALLS.map((call) => JUDGES[call](failure).answer);
const ALL_UNKNOWN = ['unknown', 'unknown', 'unknown'];

/** What a kind answers to place and amend, to cancel and to a setting; its meaning to a read; its trouble. */
const TABLE: Readonly<Record<AnswerKind, readonly [string, string, string, string, string | null]>> = {
  gone: ['unknown', 'gone', 'unknown', 'gone', null],
  duplicate: ['duplicate', 'unknown', 'unknown', 'duplicate', null],
  unchanged: ['unknown', 'unknown', 'yes', 'refused', null],
  request: ['no', 'no', 'no', 'refused', null],
  rule: ['no', 'unknown', 'unknown', 'refused', null],
  money: ['no', 'unknown', 'no', 'refused', null],
  no_position: ['no', 'unknown', 'unknown', 'refused', null],
  setting: ['unknown', 'unknown', 'no', 'refused', null],
  mode: ['no', 'no', 'no', 'refused', 'mode'],
  auth: ['no', 'no', 'no', 'refused', 'auth'],
  clock: ['no', 'no', 'no', 'refused', 'clock'],
  account: ['unknown', 'unknown', 'unknown', 'unknown', 'auth'],
  rate: ['unknown', 'unknown', 'unknown', 'unknown', 'rate'],
  maintenance: ['unknown', 'unknown', 'unknown', 'unknown', 'maintenance'],
  vague: ['unknown', 'unknown', 'unknown', 'unknown', null],
  elsewhere: ['unknown', 'unknown', 'unknown', 'unknown', null],
};

describe('every published code was read and is classified', () => {
  test('828 of classic REST, 154 of the classic socket, 159 and 429 of the unified account, 8 from clients', () => {
    expect(
      Object.fromEntries(
        ['contract-rest', 'contract-ws', 'unified-rest', 'unified-ws', 'clients', 'socket'].map((page) => [
          page,
          codesOn(page),
        ]),
      ),
    ).toEqual({
      'contract-rest': 828,
      'contract-ws': 154,
      'unified-rest': 159,
      'unified-ws': 429,
      clients: 8,
      socket: 13,
    });
    expect(CODES).toHaveLength(1035);
    expect(CODES.filter((code) => !KIND_OF_CODE.has(code))).toEqual([]);
  });

  test('and no code is classified that nobody published', () => {
    const published = new Set(ROWS.map(({ code }) => code));
    expect([...KIND_OF_CODE.keys()].filter((code) => !published.has(code))).toEqual([]);
  });

  test(`${CODES.length} codes x place, cancel, setting, read x ${STATUSES.length} statuses`, () => {
    let judged = 0;
    for (const code of CODES) {
      const [place, cancel, setting, read, trouble] = TABLE[KIND_OF_CODE.get(code)!];
      for (const status of STATUSES) {
        const failure = answered(code, status);
        const ofTheVenue = STATUSES_OF_THE_VENUE.includes(status);
        const seen = {
          code,
          status,
          answers: answersTo(failure),
          read: meaningOf(failure),
          trouble: troubleOf(failure),
        };
        const slows = trouble === 'rate' || trouble === 'maintenance';
        expect(seen).toEqual({
          code,
          status,
          answers: ofTheVenue ? [place, cancel, setting] : ALL_UNKNOWN,
          read: ofTheVenue ? read : 'unknown',
          trouble: status === 429 ? 'rate' : ofTheVenue || slows ? trouble : null,
        });
        judged += 4;
      }
    }
    expect(judged).toBe(CODES.length * STATUSES.length * 4);
  });

  test('a change in place is judged as a place, and turned down by what is gone', () => {
    for (const code of CODES) {
      for (const status of STATUSES) {
        const failure = answered(code, status);
        const isGone = KIND_OF_CODE.get(code) === 'gone' && STATUSES_OF_THE_VENUE.includes(status);
        const { answer } = isGone ? { answer: 'no' } : judgePlace(failure);
        expect([code, status, judgeReplace(failure).answer]).toEqual([code, status, answer]);
      }
    }
    expect(judgeReplace(answered('43025', 400))).toMatchObject({ answer: 'no', code: '43025', reason: 'why' });
    expect(judgeReplace({ kind: 'no_answer', reason: 'why' })).toMatchObject({ answer: 'unknown' });
  });

  test('a NO carries the raw code and the reason', () => {
    expect(judgePlace(answered('43012', 400))).toMatchObject({ answer: 'no', code: '43012', reason: 'why' });
    expect(judgeCancel(answered('40009'))).toMatchObject({ answer: 'no', code: '40009', reason: 'why' });
    expect(judgeSetting(answered('45117'))).toMatchObject({ answer: 'no', code: '45117', reason: 'why' });
    expect(judgePlace(answered('40010'))).toMatchObject({ answer: 'unknown', reason: 'why' });
  });
});

/** Words of a venue that failed, waits, or does not say what it did. */
const VAGUE_WORDS =
  /system|unknown|busy|time[d]? ?out|try(ing)? .*again|try again|retry|\blater\b|abnormal|anbormal|fail|exception|error|processing|in progress|ongoing|undergoing|concurren|frequent|too many requests|maintenance|maintained|upgrade|suspend|temporar|unavailable|disrupt|soon|internal|already|liquidity|triggered/i;

/** Refusals whose text has such a word and yet proves that a check turned the request down. */
const NAMED_EXCEPTIONS: readonly { reason: string; codes: readonly string[] }[] = [
  {
    reason: 'the check of a parameter or of a range is what failed',
    codes: ['40017', '40053', '40064', '40808', '43058', '48001', '400171', '400172', '25200'],
  },
  {
    reason: 'the error is said of the parameter, the identifier, the signature or the passphrase that was sent',
    codes: ['40020', '40402', '41002', '41101', '41103', '43111', '43123', '43130', '40009', '40036'],
  },
  { reason: 'the leverage stays because something is held: it says why', codes: ['40872'] },
  { reason: '"try again" after the identity check is passed: the account may not do it until then', codes: ['40926'] },
  { reason: 'an isolated position or an order is open; "try again" after closing it', codes: ['22072'] },
  { reason: 'the new price and size are the old ones', codes: ['25571', '25271'] },
  { reason: 'the symbol is not open yet', codes: ['25103'] },
  { reason: '"processing" is the verb of the sentence: a batch is too long', codes: ['40306'] },
  { reason: '"temporarily" is said of the position, and there is none', codes: ['45068'] },
  { reason: 'a limit of the order value, and it was hit: "triggered" is said of the limit', codes: ['45113'] },
];
const EXCUSED = new Set(NAMED_EXCEPTIONS.flatMap(({ codes }) => codes));

/** Turned down for at least one changing call, or told to be over: what must never rest on vague words. */
const isRefused = (code: string): boolean => meaningOf(answered(code)) === 'refused';

describe('nothing vague is a refusal', () => {
  test('each refused text is free of such words, or named as an exception', () => {
    const refused = PUBLISHED.filter(({ code }) => isRefused(code));
    expect(refused.length).toBeGreaterThan(350);
    expect(refused.filter(({ code, text }) => VAGUE_WORDS.test(text) && !EXCUSED.has(code))).toEqual([]);
  });

  test('no exception is idle', () => {
    const needed = (code: string): boolean =>
      isRefused(code) && PUBLISHED.some((row) => row.code === code && VAGUE_WORDS.test(row.text));
    expect([...EXCUSED].filter((code) => !needed(code))).toEqual([]);
  });

  test('gone and duplicate are said by the text itself', () => {
    const says: Partial<Record<AnswerKind, RegExp>> = {
      gone: /not exist|no order|no strategies|closed|finalized|filled or cancelled|cannot be found|could not be found/i,
      duplicate: /duplicate/i,
      unchanged: /no change/i,
    };
    for (const { code, text } of PUBLISHED) {
      const words = says[KIND_OF_CODE.get(code)!];
      if (words !== undefined) expect(`${code} ${text}`).toMatch(words);
    }
  });

  test('what speaks of pace, of maintenance or of an order that exists twice is filed there, or belongs elsewhere', () => {
    const filed: readonly [RegExp, readonly AnswerKind[]][] = [
      [/too many requests|too many pending|frequent|only .* once/i, ['rate', 'elsewhere']],
      [/maintenance|maintained|upgrade/i, ['maintenance', 'elsewhere']],
      [/timestamp expired|invalid access_timestamp|outside of the me/i, ['clock']],
      [/duplicate[d]? client|clientO\w+ duplicate/i, ['duplicate']],
      [/system (is|error)|unknown error|timed out|try again, please|service return/i, ['vague', 'elsewhere']],
      [/apikey|access_key|passphrase|signature|invalid ip/i, ['auth', 'elsewhere']],
    ];
    for (const [words, kinds] of filed) {
      const rows = PUBLISHED.filter(({ text }) => words.test(text));
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.filter(({ code }) => !kinds.includes(KIND_OF_CODE.get(code)!))).toEqual([]);
    }
  });

  test('a code of another product proves nothing here', () => {
    const others = CODES.filter((code) => KIND_OF_CODE.get(code) === 'elsewhere');
    expect(others.length).toBeGreaterThan(400);
    for (const code of others) expect(answersTo(answered(code))).toEqual(ALL_UNKNOWN);
  });
});

describe('where the client library files a code wrongly, the raw code holds', () => {
  test.each([
    ['40010', 'a time-out, filed under authentication', ALL_UNKNOWN, null],
    ['40786', 'duplicate client order id, filed as a plain error', ['duplicate', 'unknown', 'unknown'], null],
    ['45034', 'duplicate client order id, filed as a plain error', ['duplicate', 'unknown', 'unknown'], null],
    ['43118', 'duplicate client order id, filed as a plain error', ['duplicate', 'unknown', 'unknown'], null],
    ['22001', 'no order to cancel, filed as a plain error', ['unknown', 'gone', 'unknown'], null],
    ['22002', 'no position to close, filed as a plain error', ['no', 'unknown', 'unknown'], null],
    ['22047', 'price above the band, filed as a plain error', ['no', 'unknown', 'unknown'], null],
    ['45117', 'margin mode with orders open, filed as a plain error', ['unknown', 'unknown', 'no'], null],
    ['45001', 'unknown error, filed as a plain error', ALL_UNKNOWN, null],
    ['43025', 'no such plan order, filed as an invalid order', ['unknown', 'gone', 'unknown'], null],
    ['429', 'too many requests, filed as an attack', ALL_UNKNOWN, 'rate'],
  ] as const)('%s: %s', (code, _filed, answers, trouble) => {
    expect(answersTo(answered(code, 400))).toEqual(answers);
    expect(troubleOf(answered(code, 400))).toBe(trouble);
  });

  test.each(['40010', '40015', '45001', '50031', '25001', '25003', '40725', '40910', '25000'])(
    '%s is unknown to every call',
    (code) => expect(answersTo(answered(code))).toEqual(ALL_UNKNOWN),
  );
});

describe('trouble beyond the call', () => {
  test.each([
    ...(['40009', '40012', '40014', '40018', '40038', '25006'] as const).map((code) => [code, 'auth'] as const),
    ...(['40004', '40005', '40008', '40911'] as const).map((code) => [code, 'clock'] as const),
    ...(['40200', '41114', '25102', '40115'] as const).map((code) => [code, 'maintenance'] as const),
    ...(['40774', '40084', '25245', '45109'] as const).map((code) => [code, 'mode'] as const),
    ...(['429', '30006', '30007', '25004', '45129'] as const).map((code) => [code, 'rate'] as const),
    ['43012', null],
    ['22001', null],
    ['99999', null],
  ] as const)('%s is %s', (code, trouble) => expect(troubleOf(answered(code))).toBe(trouble));

  test('a code alone says the same', () => {
    for (const code of [...CODES, '99999', '']) {
      const trouble = troubleOf(answered(code));
      const said = {
        auth: troubleOfCode(code) === 'auth',
        clock: troubleOfCode(code) === 'clock',
        rate: troubleOfCode(code) === 'rate',
        maintenance: troubleOfCode(code) === 'maintenance',
      };
      for (const [name, is] of Object.entries(said)) expect([code, name, is]).toEqual([code, name, trouble === name]);
    }
  });

  test('a 429 slows down whatever it carries, a maintenance counts under a 503, and a 502 stops nobody', () => {
    expect(troubleOf(answered(null, 429))).toBe('rate');
    expect(troubleOf(answered('40009', 429))).toBe('rate');
    expect(troubleOf(answered('40200', 503))).toBe('maintenance');
    expect(troubleOf(answered('40009', 502))).toBeNull();
    expect(troubleOf(answered(null, 403))).toBeNull();
    expect(troubleOf({ kind: 'no_answer', reason: 'ECONNRESET' })).toBeNull();
  });
});

describe('what is not proved is unknown', () => {
  test('every number below a million that is not listed', () => {
    for (let number = 0; number < 1_000_000; number += 1) {
      const code = String(number);
      if (KIND_OF_CODE.has(code)) continue;
      const failure = answered(code);
      if (CALLS.some((call) => JUDGES[call](failure).answer !== 'unknown') || meaningOf(failure) !== 'unknown') {
        throw new Error(`${code} is not listed and yet it is called an answer`);
      }
    }
  });

  test('any other text under any status, a success code among them', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '00000',
        '0',
        '',
        'constructor',
        '__proto__',
        'null',
        ' 40009',
        '40009 ',
        '４０００９',
        '40009.0',
      ),
    );
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 999 }), (code, status) => {
        fc.pre(!KIND_OF_CODE.has(code));
        expect(answersTo(answered(code, status))).toEqual(ALL_UNKNOWN);
        expect(meaningOf(answered(code, status))).toBe('unknown');
      }),
      { numRuns: 2_000 },
    );
  });

  test('every listed code under every status that the venue itself does not use', () => {
    for (let status = 0; status < 1_000; status += 1) {
      if (STATUSES_OF_THE_VENUE.includes(status)) continue;
      for (const code of ['43012', '40009', '43118', '22001', '40814', '40774', '40008']) {
        expect([code, status, answersTo(answered(code, status))]).toEqual([code, status, ALL_UNKNOWN]);
      }
    }
  });

  test.each(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND', 'UND_ERR_SOCKET'])(
    'a socket that ends with %s, whatever words come with it',
    (reason) => {
      const failure: CallFailure = { kind: 'no_answer', reason: `${reason} 43012 Insufficient balance` };
      expect(answersTo(failure)).toEqual(ALL_UNKNOWN);
      expect(meaningOf(failure)).toBe('unknown');
    },
  );

  test.each(STATUSES)('an answer without a code under HTTP %d', (status) => {
    expect(answersTo(answered(null, status))).toEqual(ALL_UNKNOWN);
  });
});

describe('half a body proves nothing', () => {
  const whole = JSON.stringify({ code: '43012', msg: 'Insufficient balance', requestTime: 1, data: null });

  /** What a place call learns when the venue's answer is `bodies[n]`, cut by the peer or by the line. */
  async function answersAfter(bodies: readonly { body: string; promisedBytes: number }[]): Promise<string[]> {
    let next = 0;
    const server = createServer((request, response) => {
      request.resume();
      const { body, promisedBytes } = bodies[next++]!;
      response.writeHead(400, { 'Content-Length': promisedBytes });
      response.write(body);
      if (promisedBytes > body.length) response.socket?.end();
      else response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const httpUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const http = createHttpClient(httpUrl, 5_000);
    const endpoint = { kind: 'simulator', httpUrl, wsUrl: 'ws://127.0.0.1:1' } as const;
    const session = await createBitgetSession({ endpoint, keys: CANARY_KEYS, http, log: () => undefined });
    const answers: string[] = [];
    for (let sent = 0; sent < bodies.length; sent += 1) {
      const failure = await session.call('place', {}).then(
        () => null,
        (error: unknown): CallFailure =>
          error instanceof BitgetAnswer
            ? { kind: 'answered', status: error.status, code: error.code, reason: error.message }
            : { kind: 'no_answer', reason: String(error) },
      );
      answers.push(failure === null ? 'yes' : judgePlace(failure).answer);
    }
    http.close();
    await new Promise((resolve) => server.close(resolve));
    return answers;
  }

  test('a refusal cut after any of its bytes, by the venue or by the line', async () => {
    const cuts = [...whole].map((_, length) => whole.slice(0, length));
    const answers = await answersAfter([
      ...cuts.map((body) => ({ body, promisedBytes: body.length })),
      ...cuts.map((body) => ({ body, promisedBytes: whole.length })),
    ]);
    expect(answers).toEqual(answers.map(() => 'unknown'));
    expect(answers).toHaveLength(2 * whole.length);
  }, 30_000);

  test('control: the whole of it is a NO', async () => {
    expect(await answersAfter([{ body: whole, promisedBytes: whole.length }])).toEqual(['no']);
  });
});

describe('error events of the socket', () => {
  test.each([
    ['30001', 'retry_subscription'],
    ['30004', 'relogin'],
    ['30006', 'slow_down'],
    ['30007', 'slow_down'],
    ['30011', 'stop_login'],
    ['30012', 'stop_login'],
    ['30014', 'relogin'],
    ['30015', 'stop_login'],
    ['30016', 'retry_subscription'],
    ['30039', 'unknown'],
    ['40009', 'stop_login'],
    ['40008', 'relogin'],
    ['429', 'slow_down'],
    ['40034', 'retry_subscription'],
    ['25000', 'unknown'],
    ['', 'unknown'],
  ] as const)('%s asks for %s', (code, meaning) => expect(wsMeaning(code)).toBe(meaning));

  test('each of the socket’s own codes has its place', () => {
    for (const { code, text } of ROWS.filter(({ pages }) => pages.includes('socket'))) {
      const expected = /illegal|invalid op/.test(text)
        ? ['unknown']
        : ['retry_subscription', 'relogin', 'stop_login', 'slow_down'];
      expect(expected).toContain(wsMeaning(code));
    }
  });
});

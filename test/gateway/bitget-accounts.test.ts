/** Which kind of account it is, and what its key may do: asked of the venue, never guessed. */
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { probeAccount, type AccountProbe } from '../../gateway/bitget/account-probe.ts';
import { createBitgetVenue } from '../../gateway/bitget/venue.ts';
import { SETTINGS, UNIFIED_SETTINGS } from './fixture-peer.ts';
import { CANARY_KEYS, startRawPeer, success, type RawPeer } from './raw-peer.ts';

const lines: string[] = [];
const write = (message: string, fields?: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
const log = { info: write, warn: write, error: write };
let peer: RawPeer;
afterEach(() => peer.close());

type Answer = (response: ServerResponse) => void;
const refusing =
  (status: number, code: string): Answer =>
  (response) => {
    response.writeHead(status);
    response.end(JSON.stringify({ code, msg: `words ${CANARY_KEYS.secret} ${CANARY_KEYS.apiKey}` }));
  };
const telling =
  (data: unknown): Answer =>
  (response) =>
    void response.end(success(data));
const CLASSIC = refusing(400, '40084');

async function serve(answers: Readonly<Record<string, Answer>>) {
  peer = await startRawPeer({
    onCall({ path }, response) {
      const answer = answers[path.split('?')[0] ?? ''];
      if (answer === undefined) response.writeHead(404).end('{"code":"404"}');
      else answer(response);
    },
  });
  return { kind: 'simulator' as const, httpUrl: peer.httpUrl, wsUrl: peer.wsUrl };
}

describe('kind of account', () => {
  const open = async (answer: Answer) => {
    const endpoint = await serve({ '/api/v3/account/settings': answer });
    const venue = await createBitgetVenue({ endpoint, keys: CANARY_KEYS, log, callDeadlineMs: 200 });
    await venue.close();
    return venue.capabilities.marginModes.length === 2 ? 'classic' : 'unified';
  };

  test.each([
    ['settings', telling(UNIFIED_SETTINGS), 'unified'],
    ['40084', CLASSIC, 'classic'],
    ['25245', refusing(400, '25245'), 'classic'],
    ['25245 under HTTP 200', refusing(200, '25245'), 'classic'],
  ])('%s', async (_name, answer, kind) => expect(await open(answer)).toBe(kind));

  test.each<[string, Answer, string]>([
    ['silence', () => undefined, 'VenueUnavailable'],
    ['a reset', (response) => response.socket?.resetAndDestroy(), 'VenueUnavailable'],
    ['a broken server', refusing(500, '40084'), 'VenueUnavailable'],
    ['too many requests', refusing(429, '40084'), 'VenueUnavailable'],
    ['an unlisted code', refusing(400, '99999'), 'VenueUnavailable'],
    ['a wrong key', refusing(401, '40012'), 'VenueRefused'],
    ['HTML', (response) => response.end('<html>'), 'VenueUnavailable'],
    ['an empty body', (response) => response.end(), 'VenueUnavailable'],
    ['a success that says nothing', telling({}), 'VenueMalformed'],
    ['a success with null', telling(null), 'VenueMalformed'],
  ])('%s is no answer', async (_name, answer, error) => {
    await expect(open(answer)).rejects.toMatchObject({ name: error });
  });

  test('it is asked once, and before anything else', async () => {
    await open(telling(UNIFIED_SETTINGS));
    expect(peer.calls.map(({ path }) => path)).toEqual(['/api/v3/account/settings']);
  });
});

describe('probe', () => {
  const probe = async (answers: Readonly<Record<string, Answer>>, keys = CANARY_KEYS): Promise<AccountProbe> => {
    const endpoint = await serve(answers);
    return probeAccount({ endpoint, keys, log, symbol: 'BTCUSDT', callDeadlineMs: 200 });
  };
  const classicWith = (info: object): Record<string, Answer> => ({
    '/api/v3/account/settings': CLASSIC,
    '/api/v2/mix/account/account': telling({ ...SETTINGS, posMode: 'hedge_mode' }),
    '/api/v2/spot/account/info': telling(info),
  });
  const unifiedWith = (info: object): Record<string, Answer> => ({
    '/api/v3/account/settings': telling(UNIFIED_SETTINGS),
    '/api/v3/account/info': telling(info),
  });
  const TRADES = ['coor', 'coow', 'cpor', 'cpow'];

  test('a classic account in order', async () => {
    expect(await probe(classicWith({ authorities: TRADES, ips: '203.0.113.7, 203.0.113.8' }))).toEqual({
      status: 'ok',
      keyPrefix: 'bg_c',
      accountKind: 'classic',
      positionMode: 'hedge',
      rights: TRADES,
      ipRestricted: true,
      problems: [],
    });
  });

  test('a unified account in order', async () => {
    const rights = ['uta_mgt', 'uta_trade'];
    expect(await probe(unifiedWith({ permissions: rights, ips: '203.0.113.7' }))).toMatchObject({
      status: 'ok',
      accountKind: 'unified',
      positionMode: 'one_way',
      rights,
      ipRestricted: true,
    });
  });

  test.each([
    ['may withdraw', classicWith({ authorities: [...TRADES, 'wwow'], ips: '203.0.113.7' }), ['right_refused']],
    ['works from anywhere', classicWith({ authorities: TRADES, ips: '' }), ['no_ip_list']],
    ['has a list of null', classicWith({ authorities: TRADES, ips: null }), ['no_ip_list']],
    ['may do the unknown', classicWith({ authorities: [...TRADES, 'newr'], ips: '203.0.113.7' }), ['right_unknown']],
    [
      'may withdraw, unified',
      unifiedWith({ permissions: ['uta_trade', 'withdraw'], ips: '' }),
      ['right_refused', 'no_ip_list'],
    ],
  ])('a key that %s is for paper only', async (_name, answers, problems) => {
    const { status, problems: told } = await probe(answers);
    expect([status, told.map(({ code }) => code)]).toEqual(['paper_only', problems]);
  });

  test.each<[string, Record<string, Answer>, string, string, string | null]>([
    ['turned away', { '/api/v3/account/settings': refusing(401, '40012') }, 'disabled', '40012', null],
    [
      'turned away later',
      { ...classicWith({}), '/api/v2/spot/account/info': refusing(401, '40014') },
      'disabled',
      '40014',
      'classic',
    ],
    ['not answered', { '/api/v3/account/settings': () => undefined }, 'error', 'no_answer', null],
    ['told no rights', classicWith({ ips: '203.0.113.7' }), 'error', 'no_answer', 'classic'],
    [
      'answered in HTML',
      { ...classicWith({}), '/api/v2/mix/account/account': (r) => r.end('<html>') },
      'error',
      'no_answer',
      'classic',
    ],
  ])('%s', async (_name, answers, status, code, accountKind) => {
    const result = await probe(answers);
    expect(result).toMatchObject({ status, accountKind, problems: [{ code }] });
    for (const secret of Object.values(CANARY_KEYS)) {
      expect(JSON.stringify(result)).not.toContain(secret);
      expect(lines.join('\n')).not.toContain(secret);
    }
  });

  test('a key that is not set asks nobody, and a short one shows no more than a quarter', async () => {
    expect(await probe({}, { ...CANARY_KEYS, secret: '' })).toMatchObject({
      status: 'disabled',
      problems: [{ code: 'key_missing' }],
    });
    expect(peer.calls).toEqual([]);
    await peer.close();
    expect((await probe({}, { ...CANARY_KEYS, apiKey: 'abcdefgh' })).keyPrefix).toBe('ab');
  });
});

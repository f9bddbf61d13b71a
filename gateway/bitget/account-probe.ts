/**
 * What an account and its key are good for, asked before anything is started on it. Nothing is changed, and nothing of the
 * key but its first four characters is told.
 */
import { z } from 'zod';
import type { PositionMode } from '../../core/accounting/legs.ts';
import { judgeKeyRights } from '../../core/accounts/key-rights.ts';
import type { Log } from '../../core/log.ts';
import { createHttpClient } from '../http.ts';
import { createRateBudget, type RateBudget } from '../rates/rate-budget.ts';
import { VenueRefused, type VenueTrouble } from '../venue.ts';
import { detectAccountKind } from './account-kind.ts';
import { createCalls, type Calls } from './calls.ts';
import { PRODUCT, type AccountKind } from './dialect.ts';
import { BITGET_LIMITS, type BitgetRateGroup } from './limits.ts';
import { parseRecord, textOrNull } from './records.ts';
import { createRedact, type BitgetKeys } from './redact.ts';
import { createBitgetSession, httpOrigin, type BitgetEndpoint } from './session.ts';
import { parseSettings } from './wire.ts';

export interface AccountProbe {
  /**
   * - `ok`: it may trade here.
   * - `paper_only`: it works, and live mode refuses it; demo and simulator take it.
   * - `disabled`: the venue turns the key away; somebody has to put that right.
   * - `error`: nothing can be said now. A timestamp that is refused, too: clocks are put right again.
   */
  readonly status: 'ok' | 'disabled' | 'paper_only' | 'error';
  /** First four characters at most, for telling keys apart. */
  readonly keyPrefix: string;
  /** Null where the venue did not say; so below. */
  readonly accountKind: AccountKind | null;
  readonly positionMode: PositionMode | null;
  readonly rights: readonly string[];
  readonly ipRestricted: boolean | null;
  readonly problems: readonly { readonly code: string; readonly message: string }[];
}

export interface ProbeOptions {
  readonly endpoint: BitgetEndpoint;
  readonly keys: BitgetKeys;
  readonly log: Log;
  /** Any contract of the account's product: settings are told by symbol. */
  readonly symbol: string;
  readonly budget?: RateBudget<BitgetRateGroup>;
  readonly now?: () => number;
  readonly callDeadlineMs?: number;
}

const CALL_DEADLINE_MS = 10_000;
/** What is wrong now, and says nothing of the key. */
const PASSING: ReadonlySet<VenueTrouble | null> = new Set(['clock', 'rate', 'maintenance']);

/** Read-only; never throws for what the world did. */
export async function probeAccount(options: ProbeOptions): Promise<AccountProbe> {
  const { endpoint, keys, log, symbol, now = Date.now, callDeadlineMs = CALL_DEADLINE_MS } = options;
  const keyPrefix = keys.apiKey.slice(0, Math.min(4, Math.floor(keys.apiKey.length / 4)));
  const redact = createRedact(keys);
  const http = createHttpClient(httpOrigin(endpoint), callDeadlineMs);
  const budget = options.budget ?? createRateBudget(BITGET_LIMITS, now);
  let found: Omit<AccountProbe, 'status' | 'keyPrefix' | 'problems'> = {
    accountKind: null,
    positionMode: null,
    rights: [],
    ipRestricted: null,
  };
  try {
    if (Object.values(keys).some((value) => value === '')) {
      const message = 'key, secret and passphrase have to be set';
      return { status: 'disabled', keyPrefix, ...found, problems: [{ code: 'key_missing', message }] };
    }
    const session = await createBitgetSession({ endpoint, keys, http, now, log: (text) => log.warn(redact(text)) });
    const calls = createCalls({ session, budget, callDeadlineMs, now, log, redact });
    const { accountKind, positionMode } = await detectAccountKind(calls);
    found = { ...found, accountKind, positionMode };
    if (positionMode === null) found = { ...found, positionMode: await readPositionMode(calls, symbol) };
    const { rights, ips } = await readRights(calls, accountKind);
    found = { ...found, rights, ipRestricted: ips.length > 0 };
    const problems = judgeKeyRights({ rights, ips });
    return { status: problems.length === 0 ? 'ok' : 'paper_only', keyPrefix, ...found, problems };
  } catch (error) {
    const message = redact(error instanceof Error ? error.message : String(error));
    const refused = error instanceof VenueRefused ? error : null;
    const passes = refused === null || PASSING.has(refused.trouble);
    const code = refused?.code ?? 'no_answer';
    return { status: passes ? 'error' : 'disabled', keyPrefix, ...found, problems: [{ code, message }] };
  } finally {
    if (options.budget === undefined) budget.close();
    http.close();
  }
}

/** Of a classic account: the settings of a unified one have told it. */
async function readPositionMode(calls: Calls, symbol: string): Promise<PositionMode> {
  const params = { symbol, productType: PRODUCT, marginCoin: 'USDT' };
  return parseSettings((await calls.read('account', params)).data).positionMode;
}

const Info = z.looseObject({ ips: z.union([z.string(), z.array(z.string())]).nullish() });
const ClassicInfo = Info.extend({ authorities: z.array(z.string()) });
const UnifiedInfo = Info.extend({ permissions: z.array(z.string()) });

async function readRights(calls: Calls, kind: AccountKind): Promise<{ rights: string[]; ips: string[] }> {
  if (kind === 'unified') {
    const info = parseRecord(UnifiedInfo, (await calls.read('unifiedKeyInfo', {})).data, 'account info');
    return { rights: info.permissions, ips: listOf(info.ips) };
  }
  const info = parseRecord(ClassicInfo, (await calls.read('keyInfo', {})).data, 'account info');
  return { rights: info.authorities, ips: listOf(info.ips) };
}

/** The venue writes the list with commas. */
function listOf(ips: string | readonly string[] | null | undefined): string[] {
  const parts = Array.isArray(ips) ? (ips as readonly string[]) : (textOrNull(ips as string | null) ?? '').split(',');
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

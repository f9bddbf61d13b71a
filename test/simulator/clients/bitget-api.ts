/** The second SDK that nobody here wrote, `bitget-api`, as it comes: only its addresses and keys are set. */
import { RestClientV2, RestClientV3, WebsocketClientV2, WebsocketClientV3, type WsKey } from 'bitget-api';
import type { TrueAccount } from '../../../simulator/admin/truth.ts';
import type { Admin } from '../admin.ts';
import { BOT1 } from '../harness.ts';

const { apiKey, secret: apiSecret, passphrase: apiPass } = BOT1;
const KEYS = { apiKey, apiSecret, apiPass };
const QUIET = { trace: () => {}, info: () => {}, error: () => {} };
const WAIT_MS_MAX = 5_000;

export const USDT_FUTURES = 'USDT-FUTURES';
export const SYMBOL = 'BTCUSDT';

export function restV2(port: number): RestClientV2 {
  return new RestClientV2({ ...KEYS, baseUrl: `http://127.0.0.1:${port}` });
}

export function restV3(port: number): RestClientV3 {
  return new RestClientV3({ ...KEYS, baseUrl: `http://127.0.0.1:${port}` });
}

/** A BTCUSDT price on its tick of 0.1, spelled as the venue spells it. */
export function onTick(price: number): string {
  return String(Math.round(price * 10) / 10);
}

/** Throws when it has not come true after some seconds. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what = 'it',
  withinMs = WAIT_MS_MAX,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come true`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The venue's code of a call that it refuses, `not refused` of one that it does not. */
export async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'not refused';
  } catch (error) {
    return (error as { body?: { code?: string } }).body?.code ?? String(error);
  }
}

/** The account as the exchange's own books have it. */
export async function truthOf(admin: Admin, account = BOT1.account): Promise<TrueAccount> {
  return (await admin.truth()).accounts[account]!;
}

/** Routes that answered well at least once, whoever asked. */
export async function routesUsed(admin: Admin): Promise<Set<string>> {
  const { accounts, strangers } = await admin.truth();
  const counts = [...Object.values(accounts).map(({ requests }) => requests), strangers];
  return new Set(
    counts.flatMap(({ routes }) =>
      Object.entries(routes).flatMap(([route, { codes }]) => ((codes['00000'] ?? 0) > 0 ? [route] : [])),
    ),
  );
}

export interface Push {
  readonly action: string;
  readonly arg: { readonly channel?: string; readonly topic?: string; readonly instId?: string };
  readonly data: readonly Record<string, unknown>[];
}

/** Collects what one socket client of the SDK hears. */
export class Listener {
  private readonly client: WebsocketClientV2 | WebsocketClientV3;
  readonly pushes: Push[] = [];
  readonly faults: unknown[] = [];
  constructor(port: number, version: 'v2' | 'v3', side: 'public' | 'private') {
    const options = { ...KEYS, wsUrl: `ws://127.0.0.1:${port}/${version}/ws/${side}` };
    this.client = version === 'v2' ? new WebsocketClientV2(options, QUIET) : new WebsocketClientV3(options, QUIET);
    this.client.on('update', (push: Push) => this.pushes.push(push));
    this.client.on('exception', (fault: unknown) => this.faults.push(fault));
  }

  /** The SDK's own lists of topics lack some that the venue has (`books5`, `fill`): it sends them all the same. */
  subscribe(request: { topic: string; payload: object }, key: WsKey): void {
    this.client.subscribe(request as never, key).catch((fault: unknown) => this.faults.push(fault));
  }

  /** The first row, heard or to come, of that channel which the predicate takes. */
  async row(
    name: string,
    wanted: (row: Record<string, unknown>) => boolean = () => true,
  ): Promise<Record<string, unknown>> {
    const deadline = performance.now() + WAIT_MS_MAX;
    for (;;) {
      const rows = this.pushes.filter(({ arg }) => (arg.channel ?? arg.topic) === name).flatMap(({ data }) => data);
      const found = rows.find(wanted);
      if (found !== undefined) return found;
      if (performance.now() > deadline) {
        throw new Error(`no such ${name} was pushed: ${JSON.stringify(rows.slice(-2))} ${JSON.stringify(this.faults)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  close(): void {
    this.client.closeAll(true);
  }
}

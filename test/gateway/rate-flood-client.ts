/**
 * Many bots of one account in one process: each has its own budget, places and cancels against a counting server as fast
 * as it may, and complains of every 429. Prints one JSON line at the end: calls let go and how long they waited, by bot.
 */
import { Agent, request } from 'node:http';
import type { RateLimits } from '../../core/rates/limits.ts';
import { openSharedBudget, type SharedBudgetCounters } from '../../gateway/rates/shared-budget.ts';

export interface FloodOptions {
  readonly socketPath: string;
  readonly port: number;
  readonly limits: RateLimits<FloodGroup>;
  readonly first: number;
  readonly bots: number;
  readonly of: number;
  readonly runMs: number;
  /** Between two calls of a bot, from the answer of one to the asking for the next. */
  readonly restMs: Readonly<Record<FloodGroup, number>>;
}

export type FloodGroup = 'place' | 'cancel';

export interface FloodResult {
  readonly calls: Readonly<Record<FloodGroup, number[]>>;
  readonly waitsMs: Readonly<Record<FloodGroup, number[]>>;
  readonly counters: readonly SharedBudgetCounters[];
}

const options = JSON.parse(process.argv[2] ?? '{}') as FloodOptions;
const agent = new Agent({ keepAlive: true, noDelay: true });
const endsAt = performance.now() + options.runMs;
const silent = (): void => {};
const result = {
  calls: { place: [] as number[], cancel: [] as number[] },
  waitsMs: { place: [] as number[], cancel: [] as number[] },
};

function send(group: FloodGroup): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request({ port: options.port, host: '127.0.0.1', path: `/${group}`, agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    call.on('error', reject);
    call.end();
  });
}

async function trade(
  group: FloodGroup,
  bot: number,
  budget: ReturnType<typeof openSharedBudget<FloodGroup>>,
): Promise<void> {
  result.calls[group][bot] = 0;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * options.restMs[group]));
  while (performance.now() < endsAt) {
    const askedAt = performance.now();
    const granted = await budget.acquire(group, Date.now() + endsAt - askedAt);
    if (!granted) continue;
    result.waitsMs[group].push(performance.now() - askedAt);
    result.calls[group][bot] = (result.calls[group][bot] ?? 0) + 1;
    if ((await send(group)) === 429) budget.tooMany(group);
    await new Promise((resolve) => setTimeout(resolve, options.restMs[group]));
  }
}

const budgets = Array.from({ length: options.bots }, (_, bot) =>
  openSharedBudget({
    account: 'flood',
    client: `bot${options.first + bot}`,
    socketPath: options.socketPath,
    limits: options.limits,
    share: { index: options.first + bot, of: options.of },
    now: Date.now,
    log: { info: silent, warn: silent, error: silent },
  }),
);
await Promise.all(budgets.flatMap((budget, bot) => [trade('place', bot, budget), trade('cancel', bot, budget)]));
const counters = budgets.map((budget) => budget.counters());
for (const budget of budgets) budget.close();
agent.destroy();
process.stdout.write(`${JSON.stringify({ ...result, counters } satisfies FloodResult)}\n`);

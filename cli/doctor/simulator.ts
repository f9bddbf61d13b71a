/** What the exchange simulator plays. */
import { readPorts } from '../../stack/ports.ts';
import type { Context } from '../context.ts';
import { ok, type Finding } from './finding.ts';

export async function simulator({ home }: Context): Promise<Finding[]> {
  const port = readPorts(home)?.simulator;
  const answer = await fetch(`http://127.0.0.1:${port}/simulator/status`, { signal: AbortSignal.timeout(2_000) });
  const { symbols } = (await answer.json()) as {
    symbols: Record<string, { lap: number; origin: string; sources: { venue: string }[] }>;
  };
  return Object.entries(symbols).map(([symbol, { lap, origin, sources }]) =>
    ok(`${symbol}: ${sources[0]?.venue ?? 'unknown source'}; lap ${lap + 1} is ${origin}`),
  );
}

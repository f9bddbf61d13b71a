/** What the exchange simulator says of the data it plays. Its labels are shown wherever that data is. */
import { z } from 'zod';

const SimulatorStatus = z.object({
  uptimeMs: z.number(),
  speed: z.number(),
  symbols: z.record(
    z.string(),
    z.object({
      lap: z.int().nonnegative(),
      origin: z.enum(['recorded', 'derived']),
      mirrored: z.boolean(),
      recordedFromMs: z.number(),
      lapMs: z.number(),
      sources: z.array(z.object({ file: z.string(), venue: z.string() })).min(1),
    }),
  ),
});

export interface MarketSource {
  readonly symbol: string;
  readonly origin: 'recorded' | 'derived';
  /** "Binance USD-M perpetual, recorded": the source in the simulator's own words. */
  readonly source: string;
  /** First record of the recording, UTC epoch. */
  readonly recordedFromMs: number;
  /** Counted from 1, as people count. */
  readonly lap: number;
  /** How this lap comes from the recording. */
  readonly play: 'as recorded' | 'mirrored' | 'repeated';
}

export interface SimulatorView {
  readonly speed: number;
  readonly symbols: readonly MarketSource[];
}

const ANSWER_MS = 1_000;

/** Rejects when it does not answer or answers something else. */
export async function readSimulator(port: number): Promise<SimulatorView> {
  const response = await fetch(`http://127.0.0.1:${port}/simulator/status`, {
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (!response.ok) throw new Error(`simulator: status ${response.status}`);
  return simulatorView(SimulatorStatus.parse(await response.json()));
}

function simulatorView({ speed, symbols }: z.infer<typeof SimulatorStatus>): SimulatorView {
  return {
    speed,
    symbols: Object.entries(symbols).map(([symbol, { lap, origin, mirrored, recordedFromMs, sources }]) => ({
      symbol,
      origin,
      source: [...new Set(sources.map(({ venue }) => venue))].join('; '),
      recordedFromMs,
      lap: lap + 1,
      play: origin === 'recorded' ? 'as recorded' : mirrored ? 'mirrored' : 'repeated',
    })),
  };
}

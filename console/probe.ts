/**
 * One component's answer, shared by everyone who asks. Modes: fresh (younger than `ttlMs`, given at once) -> asking (one
 * question at a time, however many wait) -> fresh or failed. A question that takes longer than `patienceMs` counts as
 * failed for whoever waits; its late answer is still taken.
 */
export type Probe<T> =
  | { readonly state: 'answered'; readonly value: T; readonly atMs: number }
  /** `last` is what it said before, if it ever did. */
  | { readonly state: 'failed'; readonly error: string; readonly last: { value: T; atMs: number } | null };

export interface ProbeOptions<T> {
  readonly ask: () => Promise<T>;
  readonly ttlMs: number;
  readonly patienceMs: number;
}

export function createProbe<T>({ ask, ttlMs, patienceMs }: ProbeOptions<T>): () => Promise<Probe<T>> {
  let current: Probe<T> | null = null;
  let answeredAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<Probe<T>> | null = null;
  const last = (): { value: T; atMs: number } | null =>
    current === null
      ? null
      : current.state === 'answered'
        ? { value: current.value, atMs: current.atMs }
        : current.last;

  async function question(): Promise<Probe<T>> {
    try {
      current = { state: 'answered', value: await ask(), atMs: Date.now() };
    } catch (error) {
      current = { state: 'failed', error: error instanceof Error ? error.message : String(error), last: last() };
    }
    answeredAt = performance.now();
    asking = null;
    return current;
  }

  return async () => {
    if (current !== null && asking === null && performance.now() - answeredAt < ttlMs) return current;
    asking ??= question();
    let timer: NodeJS.Timeout | undefined;
    const impatient = new Promise<Probe<T>>((resolve) => {
      const error = `no answer within ${patienceMs / 1_000} s`;
      timer = setTimeout(() => resolve({ state: 'failed', error, last: last() }), patienceMs);
    });
    const answer = await Promise.race([asking, impatient]);
    clearTimeout(timer);
    return answer;
  };
}

/** What is known, old or new; null when there was never an answer. */
export function latestOf<T>(probe: Probe<T>): T | null {
  return probe.state === 'answered' ? probe.value : (probe.last?.value ?? null);
}

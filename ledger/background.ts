/** A loop that runs beside everything else. Modes: stopped -> running -> stopped. */

export interface Background {
  /** Nothing when it runs. */
  start(): void;
  /** Resolves when the loop has ended. */
  stop(): Promise<void>;
}

/** `run` goes on until its signal is aborted, and then ends soon. */
export function createBackground(run: (signal: AbortSignal) => Promise<void>): Background {
  let stopping = new AbortController();
  let running: Promise<void> | null = null;
  return {
    start() {
      if (running !== null) return;
      stopping = new AbortController();
      running = run(stopping.signal);
    },
    async stop() {
      stopping.abort();
      await running;
      running = null;
    },
  };
}

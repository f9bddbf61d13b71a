/** Heap that work takes, counted only where no collection ran meanwhile. */
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { median, rounded } from './figures.ts';

/** Collections are told a little after they ran. */
const GC_TOLD_MS = 20;
const ATTEMPTS = 5;

/** Bytes a unit; `work` answers how many units it did. Null when every attempt was disturbed. */
export async function bytesEach(work: () => number): Promise<number | null> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let collections = 0;
  const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
  observer.observe({ entryTypes: ['gc'] });
  const found: number[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    collect();
    await sleep(GC_TOLD_MS);
    collections = 0;
    const before = process.memoryUsage().heapUsed;
    const units = work();
    const after = process.memoryUsage().heapUsed;
    await sleep(GC_TOLD_MS);
    if (collections === 0) found.push((after - before) / units);
  }
  observer.disconnect();
  return found.length === 0 ? null : rounded(median(found), 1);
}

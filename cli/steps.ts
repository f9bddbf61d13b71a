/** Long steps, one line each with its elapsed time; on a terminal the running one counts its seconds. */
import pc from 'picocolors';

const TICK_MS = 500;

export async function step<T>(
  title: string,
  work: () => Promise<T>,
  tell: (result: T) => string = () => '',
): Promise<T> {
  const startedAt = performance.now();
  const elapsed = (): string => `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`;
  const isTty = process.stderr.isTTY;
  const timer = setInterval(() => isTty && process.stderr.write(`\r  … ${title} ${pc.dim(elapsed())} `), TICK_MS);
  const end = (mark: string, rest: string): void => {
    clearInterval(timer);
    const line = `  ${mark} ${title} ${pc.dim(elapsed())}${rest === '' ? '' : `  ${rest}`}`;
    process.stderr.write(isTty ? `\r\u001b[K${line}\n` : `${line}\n`);
  };
  try {
    const result = await work();
    end(pc.green('✓'), tell(result));
    return result;
  } catch (error) {
    end(pc.red('✗'), '');
    throw error;
  }
}

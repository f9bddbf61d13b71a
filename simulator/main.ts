/**
 * `node dist/simulator/main.js <options.json>`: prints `{"ready":true,"port":N}` once it listens, with `adminPort` when
 * there is one. SIGTERM and SIGINT save and exit 0. Exit 2 when the options are wrong, 1 when it cannot start.
 */
import { readFileSync } from 'node:fs';
import { SimulatorOptions } from '../core/simulation/options.ts';
import { startSimulator } from './server.ts';

function readOptions(path: string | undefined): SimulatorOptions {
  if (path === undefined) fail(2, 'usage: simulator <options.json>');
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    fail(2, `${path}: ${String(error)}`);
  }
  const parsed = SimulatorOptions.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${path}: ${issue.path.join('.') || '(all)'}: ${issue.message}`);
  fail(2, faults.join('\n'));
}

function fail(code: number, message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

try {
  const simulator = await startSimulator(readOptions(process.argv[2]));
  const stop = () => {
    simulator.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(1, String(error)),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  const { port, adminPort } = simulator;
  process.stdout.write(`${JSON.stringify({ ready: true, port, ...(adminPort === null ? {} : { adminPort }) })}\n`);
} catch (error) {
  fail(1, error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

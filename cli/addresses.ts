/** Where a running desk is reached; of its own processes only those that run. */
import type { Ports } from '../stack/ports.ts';

/** Ports as scripts read them: null where nothing listens. `running` are the names of the desk's processes. */
export function livePorts(ports: Ports, running: readonly string[]): Record<keyof Ports, number | null> {
  const own = (name: 'console' | 'simulator'): number | null => (running.includes(name) ? ports[name] : null);
  return { ...ports, console: own('console'), simulator: own('simulator') };
}

export function addressLines(ports: Ports, running: readonly string[], temporalUiUrl: string | null = null): string[] {
  const { console: consolePort, simulator } = livePorts(ports, running);
  return [
    ...(consolePort === null ? [] : [`  console      http://127.0.0.1:${consolePort}`]),
    `  Temporal UI  ${temporalUiUrl ?? `http://127.0.0.1:${ports.temporalUi}`}`,
    `  Temporal     127.0.0.1:${ports.temporal}`,
    ...(simulator === null ? [] : [`  simulator    http://127.0.0.1:${simulator}/simulator/status`]),
    `  Postgres     127.0.0.1:${ports.postgres}`,
  ];
}

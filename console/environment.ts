/** What the console is told by whoever starts it: the environment of every desk process, and the ports file. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { deskHome } from '../config/home.ts';
import { describeFaults } from '../core/faults.ts';

const Environment = z.object({
  DESK_ROOT: z.string().min(1),
  DESK_HOME: z.string().min(1),
  DESK_CONFIG_DIR: z.string().min(1),
  DESK_CODE_VERSION: z.string().min(1).default('unknown'),
  DATABASE_URL: z.string().min(1),
});

const Port = z.int().min(1).max(65_535);
const Ports = z.object({ temporal: Port, temporalUi: Port, console: Port, simulator: Port });

export interface ConsoleEnvironment {
  readonly root: string;
  readonly configDir: string;
  readonly codeVersion: string;
  readonly databaseUrl: string;
  readonly ports: z.infer<typeof Ports>;
}

/** Throws with every missing or wrong value named. */
export function readEnvironment(env: NodeJS.ProcessEnv): ConsoleEnvironment {
  const parsed = Environment.safeParse(env);
  if (!parsed.success) throw new Error(`environment of the console:\n${describeFaults(parsed.error, {})}`);
  const { DESK_ROOT, DESK_HOME, DESK_CONFIG_DIR, DESK_CODE_VERSION, DATABASE_URL } = parsed.data;
  const { portsFile } = deskHome(DESK_HOME);
  const raw: unknown = JSON.parse(readFileSync(portsFile, 'utf8'));
  const ports = Ports.safeParse(raw);
  if (!ports.success) throw new Error(`${portsFile}:\n${describeFaults(ports.error, raw)}`);
  return {
    root: DESK_ROOT,
    configDir: DESK_CONFIG_DIR,
    codeVersion: DESK_CODE_VERSION,
    databaseUrl: DATABASE_URL,
    ports: ports.data,
  };
}

/** Our own server's web UI; null for a server that the environment names, whose UI nobody has told us. */
export function temporalUiUrl(address: string, { temporal, temporalUi }: ConsoleEnvironment['ports']): string | null {
  const isOurs = new RegExp(`^(127\\.0\\.0\\.1|localhost|\\[::1\\]):${temporal}$`).test(address);
  return isOurs ? `http://127.0.0.1:${temporalUi}` : null;
}

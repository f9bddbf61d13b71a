/** Sources of events beside a desk's bots, in its journals' folder, kept running by the desk's own supervision. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deskHome } from '../../config/home.ts';
import { SILENT } from '../../core/log.ts';
import { saysReady, superviseChild } from '../../stack/supervise.ts';
import { lastAcknowledged, losses, type Acknowledged } from './acknowledged.ts';
import { bundleProgram } from '../support/bundle-program.ts';

export interface Source {
  readonly name: string;
  /** Null while it is down. */
  pid(): number | null;
  starts(): number;
  /** What the journal has acknowledged so far, by the word of every process that wrote it. */
  acknowledged(): Acknowledged;
  /** What it was told before a death and did not find after it. */
  losses(): string[];
}

export interface Load {
  readonly sources: readonly Source[];
  /** Nothing is written any more when it resolves. */
  stop(): Promise<void>;
  remove(): void;
}

export async function startLoad(journalsDir: string, names: readonly string[]): Promise<Load> {
  const home = deskHome(mkdtempSync(join(tmpdir(), 'desk-load-')));
  mkdirSync(home.logsDir, { recursive: true });
  mkdirSync(home.runDir, { recursive: true });
  const program = join(home.root, 'load.mjs');
  await bundleProgram('durability/load-program.ts', program);
  const acknowledgedFile = (name: string): string => join(home.root, `${name}.acknowledged`);
  const kept = await Promise.all(
    names.map((name) =>
      superviseChild({
        home,
        name,
        command: process.execPath,
        args: [program, join(journalsDir, name), acknowledgedFile(name)],
        env: { PATH: process.env['PATH'] },
        cwd: home.root,
        log: SILENT,
        ready: saysReady,
      }),
    ),
  );
  return {
    sources: kept.map((child) => ({
      name: child.name,
      pid: () => child.current()?.identity.pid ?? null,
      starts: () => child.starts(),
      acknowledged: () => lastAcknowledged(acknowledgedFile(child.name)),
      losses: () => losses(acknowledgedFile(child.name)),
    })),
    stop: async () => void (await Promise.all(kept.map((child) => child.stop()))),
    remove: () => rmSync(home.root, { recursive: true, force: true }),
  };
}

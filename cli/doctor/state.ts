/** `DESK_HOME`: room, rights, and what was set aside in it. */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { freeBytes } from '../prepare-home.ts';
import { bad, ok, type Finding } from './finding.ts';

/** Journals are preallocated in segments of 64 MiB, Postgres writes up to half a gigabyte ahead. */
const DISK_FREE_MIN_BYTES = 2 * 1024 ** 3;

export function state({ home }: Context): Finding[] {
  mkdirSync(home.root, { recursive: true });
  accessSync(home.root, constants.W_OK);
  const free = freeBytes(home.root);
  const findings = [ok(`DESK_HOME ${home.root}`)];
  const gib = `${(free / 1024 ** 3).toFixed(1)} GiB free`;
  findings.push(
    free >= DISK_FREE_MIN_BYTES
      ? ok(gib)
      : bad(
          `only ${gib}`,
          'make room (docs/runbooks/full-disk.md): below 2 GiB journals and databases may stop, and the bots with them',
        ),
  );
  if (existsSync(home.secretsDir)) {
    const open = readdirSync(home.secretsDir).filter(
      (file) => (statSync(join(home.secretsDir, file)).mode & 0o077) !== 0,
    );
    findings.push(
      open.length === 0
        ? ok('keys are readable by their owner only')
        : bad(`readable by others: ${open.join(', ')}`, `chmod 600 ${home.secretsDir}/*`),
    );
  }
  if (existsSync(home.journalsDir)) {
    for (const bot of readdirSync(home.journalsDir, { withFileTypes: true })) {
      if (!bot.isDirectory()) continue;
      const quarantined = readdirSync(join(home.journalsDir, bot.name)).filter((file) => file.endsWith('.quarantined'));
      if (quarantined.length > 0)
        findings.push(
          bad(
            `${bot.name}: damaged journal segments: ${quarantined.join(', ')}`,
            'see docs/runbooks/damaged-journal.md',
          ),
        );
    }
  }
  return findings;
}

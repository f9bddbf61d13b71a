/** One desk for each `DESK_HOME`: the lock names the `desk up` supervisor, so a second `up`, `down` and `status` find it. */
import type { DeskHome } from '../config/home.ts';
import type { LockHolder } from './lock-file.ts';
import { readLock, tryLock } from './lock-file.ts';
import type { Ports } from './ports.ts';
import { readPorts } from './ports.ts';

export type DeskLock =
  | { readonly taken: true; readonly release: () => void }
  /** `ports` is null while the other desk is still choosing them. */
  | { readonly taken: false; readonly by: LockHolder; readonly ports: Ports | null };

/** Takes the desk, also from a supervisor that died without letting go. */
export function takeDesk(home: DeskHome): DeskLock {
  const attempt = tryLock(home.lockFile);
  return attempt.taken ? attempt : { ...attempt, ports: readPorts(home) };
}

/** The supervisor of the desk that runs in `home`, if one does: its pid may be signalled, for it is that very process. */
export function runningDesk(home: DeskHome): LockHolder | null {
  return readLock(home.lockFile);
}

/** What has to be done so that the server has the schedules that the configuration names, and no other of this desk. */

/** Every schedule of a desk has an id that begins so: what begins otherwise is somebody else's and left alone. */
export function schedulePrefix(desk: string): string {
  return `desk/${desk}/`;
}

export function scheduleId(desk: string, name: string): string {
  return `${schedulePrefix(desk)}${name}`;
}

/** Of what a schedule starts; the server adds the time: `integrity/local-2026-03-29T02:30:00Z`. */
export function scheduledWorkflowId(desk: string, name: string): string {
  return `${name}/${desk}`;
}

/**
 * A schedule and the hash of the configuration it was made from. Hashes are compared and never specs: the server gives a
 * spec back in another form than it was sent.
 */
export interface ScheduleMark {
  readonly scheduleId: string;
  /** Null where it carries none. */
  readonly hash: string | null;
}

export type ScheduleDeed = 'create' | 'update' | 'unchanged' | 'delete';
export interface ScheduleStep {
  readonly scheduleId: string;
  readonly deed: ScheduleDeed;
}

/** In the order of `wanted`, then what is to go. */
export function planSchedules(
  prefix: string,
  wanted: readonly ScheduleMark[],
  found: readonly ScheduleMark[],
): ScheduleStep[] {
  const hashes = new Map(found.map(({ scheduleId: id, hash }) => [id, hash]));
  const names = new Set(wanted.map(({ scheduleId: id }) => id));
  const steps = wanted.map(({ scheduleId: id, hash }): ScheduleStep => {
    const there = hashes.get(id);
    return { scheduleId: id, deed: there === undefined ? 'create' : there === hash ? 'unchanged' : 'update' };
  });
  const going = found.filter(({ scheduleId: id }) => id.startsWith(prefix) && !names.has(id));
  return [...steps, ...going.map(({ scheduleId: id }): ScheduleStep => ({ scheduleId: id, deed: 'delete' }))];
}

/** Brings the server's schedules to what the configuration names: any number of times, from any number of places at once. */
import {
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  ScheduleClient,
  ScheduleNotFoundError,
  ServiceError,
  type Client,
  type ScheduleDescription,
  type WorkflowService,
} from '@temporalio/client';
import type { ScheduleDeclarations } from '../core/schedules/declaration.ts';
import { planSchedules, schedulePrefix, type ScheduleDeed, type ScheduleStep } from '../core/schedules/plan.ts';
import { wantedSchedules, type ScheduleOwner, type WantedSchedule } from './schedule-options.ts';

/** Of one schedule, while others change it: each try looks again. */
const TRIES_MAX = 5;
/** gRPC's FAILED_PRECONDITION: it was changed since it was read. */
const CHANGED_MEANWHILE = 9;

/** What an apply would do now; nothing is changed. */
export async function previewSchedules(
  client: Client,
  owner: ScheduleOwner,
  declared: ScheduleDeclarations,
): Promise<ScheduleStep[]> {
  const wanted = wantedSchedules(owner, declared);
  const prefix = schedulePrefix(owner.desk);
  // A list lags behind: what the file names is asked for by its id.
  const described = await Promise.all(wanted.map(({ scheduleId }) => describeSchedule(client, scheduleId)));
  const found = described.flatMap((each) =>
    each === null ? [] : [{ scheduleId: each.scheduleId, hash: hashOf(each) }],
  );
  const others = (await scheduleIds(client, prefix)).filter((id) =>
    wanted.every(({ scheduleId }) => scheduleId !== id),
  );
  return planSchedules(prefix, wanted, [...found, ...others.map((scheduleId) => ({ scheduleId, hash: null }))]);
}

/** What was done, in the order of the file. Two at once may both name one update; the server takes one of them. */
export async function applySchedules(
  client: Client,
  owner: ScheduleOwner,
  declared: ScheduleDeclarations,
): Promise<ScheduleStep[]> {
  const wanted = new Map(wantedSchedules(owner, declared).map((each) => [each.scheduleId, each]));
  const plan = await previewSchedules(client, owner, declared);
  return Promise.all(
    plan.map(async ({ scheduleId, deed }) => {
      const schedule = wanted.get(scheduleId);
      if (schedule === undefined) return { scheduleId, deed: await remove(client, scheduleId) };
      return { scheduleId, deed: deed === 'unchanged' ? deed : await bringTo(client, schedule) };
    }),
  );
}

/** Ids that begin with `prefix`, by the server's list, which may lag behind. */
export async function scheduleIds(client: Client, prefix: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { scheduleId } of client.schedule.list()) if (scheduleId.startsWith(prefix)) ids.push(scheduleId);
  return ids.sort();
}

/** Null where there is none of that id. */
export async function describeSchedule(client: Client, scheduleId: string): Promise<ScheduleDescription | null> {
  try {
    return await client.schedule.getHandle(scheduleId).describe();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

/** Of the configuration that it was made from; null where somebody else made it. */
export function hashOf({ action }: ScheduleDescription): string | null {
  const hash = action.memo?.['configHash'];
  return typeof hash === 'string' ? hash : null;
}

async function bringTo(client: Client, wanted: WantedSchedule): Promise<ScheduleDeed> {
  let isWritten = false;
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const found = await describeSchedule(client, wanted.scheduleId);
    if (found !== null && hashOf(found) === wanted.hash) return isWritten ? 'update' : 'unchanged';
    try {
      if (found === null) {
        const { scheduleId, options, note } = wanted;
        await client.schedule.create({ ...options, scheduleId, state: { note } });
        return 'create';
      }
      // The server answers before it has looked whether the update still fits: the next look tells.
      await update(client, wanted, found);
      isWritten = true;
    } catch (error) {
      if (!isRace(error)) throw error;
    }
  }
  throw new Error(`${wanted.scheduleId}: changed by others ${TRIES_MAX} times while it was updated`);
}

async function update(
  client: Client,
  { scheduleId, options, note }: WantedSchedule,
  found: ScheduleDescription,
): Promise<void> {
  const { paused, note: noteFound, remainingActions } = found.state;
  const handle = new GuardedScheduleClient(client, found).getHandle(scheduleId);
  await handle.update(() => ({
    ...options,
    // A pause and the word on it are an operator's, and the update would else replace them.
    state: {
      paused,
      ...(paused ? noteFound !== undefined && { note: noteFound } : { note }),
      ...(remainingActions !== undefined && { remainingActions }),
    },
  }));
}

/**
 * The SDK's update names no version of the schedule, so a pause that comes between read and write would be lost. This client
 * sends the conflict token of what was read: where that is no longer so, the server drops the update (1.32 without a word).
 */
class GuardedScheduleClient extends ScheduleClient {
  private readonly guarded: WorkflowService;
  constructor({ connection, schedule: { options } }: Client, { raw: { conflictToken } }: ScheduleDescription) {
    super({ ...options, connection });
    const { workflowService } = connection;
    this.guarded = Object.create(workflowService, {
      updateSchedule: {
        value: (request: object) =>
          workflowService.updateSchedule({ ...request, conflictToken: conflictToken ?? null }),
      },
    }) as WorkflowService;
  }
  override get workflowService(): WorkflowService {
    return this.guarded;
  }
}

async function remove(client: Client, scheduleId: string): Promise<ScheduleDeed> {
  try {
    await client.schedule.getHandle(scheduleId).delete();
    return 'delete';
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return 'unchanged';
    throw error;
  }
}

function isRace(error: unknown): boolean {
  if (error instanceof ScheduleAlreadyRunning || error instanceof ScheduleNotFoundError) return true;
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && Number(cause.code) === CHANGED_MEANWHILE;
}

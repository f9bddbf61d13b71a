/** How the `day2Gate` workflow is started and talked to. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import { z } from 'zod';
import { Day2Rules } from '../../core/gates/day2/rules.ts';
import { Day2State } from '../../core/gates/day2/state.ts';
import type { Day2Status } from '../../core/gates/day2/status.ts';
import { HostName } from '../../core/names.ts';
import type { Attribution } from '../attribution.ts';

export const DAY2_GATE_ID = 'day2-gate';

export const Day2GateInput = z.strictObject({
  desk: HostName,
  /** Whose journals are held against the store. */
  host: HostName,
  /** Anything looser than the policy makes its evidence a rehearsal. */
  rules: Day2Rules.prefault({}),
  /** Of `config/rehearsals`: the event flow is made up and the evidence a rehearsal. */
  scenario: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'expected a name of 1 to 64 of a-z, 0-9 and -')
    .nullable()
    .default(null),
  /** What outlives continue-as-new; nobody else may give it. */
  carried: z.strictObject({ state: Day2State, startMs: z.int().positive() }).nullable().default(null),
});
export type Day2GateInput = z.infer<typeof Day2GateInput>;
/** As a caller writes it, with defaults left out. */
export type Day2GateStart = z.input<typeof Day2GateInput>;

export type Day2GateWorkflow = (input: Day2GateStart) => Promise<never>;

/** Holds the verdict at NO-GO and not the clock. */
export const pauseUpdate = defineUpdate<Day2Status, [Attribution]>('pause');
/** The next evaluation may say GO again. */
export const resumeUpdate = defineUpdate<Day2Status, [Attribution]>('resume');
/** A baseline anew, measured now: the clock starts again, and what was lost before it is over. */
export const reanchorUpdate = defineUpdate<Day2Status, [Attribution]>('reanchor');
export const statusQuery = defineQuery<Day2Status>('status');

/** Reads `config/schedules.yml`. */
import { schedulesFile, type ScheduleDeclarations } from '../core/schedules/declaration.ts';
import { ConfigError, readYaml } from './load.ts';

const FILE = 'schedules.yml';

/** Adds its faults to `faults`; null where there is one. `workflowTypes` are those that can be scheduled. */
export function readSchedules(
  configDir: string,
  workflowTypes: readonly string[],
  faults: string[],
): ScheduleDeclarations | null {
  return readYaml(configDir, FILE, schedulesFile(workflowTypes), faults).parsed?.schedules ?? null;
}

/** Throws `ConfigError` with all faults. */
export function loadSchedules(configDir: string, workflowTypes: readonly string[]): ScheduleDeclarations {
  const faults: string[] = [];
  const schedules = readSchedules(configDir, workflowTypes, faults);
  if (schedules === null) throw new ConfigError(faults, configDir);
  return schedules;
}

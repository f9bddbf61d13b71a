/** Reads `config/schedules.yml`. */
import { schedulesFile, type ScheduleDeclarations, type WorkflowInputs } from '../core/schedules/declaration.ts';
import { ConfigError, readYaml } from './load.ts';

const FILE = 'schedules.yml';

/** Adds its faults to `faults`; null where there is one. `workflows` are those that can be scheduled, and what they take. */
export function readSchedules(
  configDir: string,
  workflows: WorkflowInputs,
  faults: string[],
): ScheduleDeclarations | null {
  return readYaml(configDir, FILE, schedulesFile(workflows), faults).parsed?.schedules ?? null;
}

/** Throws `ConfigError` with all faults. */
export function loadSchedules(configDir: string, workflows: WorkflowInputs): ScheduleDeclarations {
  const faults: string[] = [];
  const schedules = readSchedules(configDir, workflows, faults);
  if (schedules === null) throw new ConfigError(faults, configDir);
  return schedules;
}

/** The made-up event flows of `config/rehearsals`, one file each. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Scenario } from '../core/gates/day2/scenario.ts';
import { showValue } from '../core/faults.ts';
import { ConfigError, readYaml } from './load.ts';

const SUFFIX = '.yml';

/** In order. */
export function scenarioNames(configDir: string): string[] {
  const dir = join(configDir, 'rehearsals');
  const files = existsSync(dir) ? readdirSync(dir).filter((file) => file.endsWith(SUFFIX)) : [];
  return files.map((file) => file.slice(0, -SUFFIX.length)).sort();
}

/** Throws `ConfigError`. */
export function readScenario(configDir: string, name: string): Scenario {
  const dir = join(configDir, 'rehearsals');
  const names = scenarioNames(configDir);
  // The name is of the folder's own listing, and so leads nowhere else.
  if (!names.includes(name))
    throw new ConfigError([`scenario: expected one of ${names.join(', ')}, was ${showValue(name)}`], dir);
  const faults: string[] = [];
  const { parsed } = readYaml(dir, `${name}.yml`, Scenario, faults);
  if (parsed !== null && parsed.name !== name) faults.push(`${name}.yml: name: expected the name of its file, was ${showValue(parsed.name)}`); // prettier-ignore
  if (parsed === null || faults.length > 0) throw new ConfigError(faults, dir);
  return parsed;
}

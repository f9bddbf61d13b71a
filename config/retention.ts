/** Reads `config/retention.yml`. */
import { RetentionPolicy } from '../core/retention/policy.ts';
import { ConfigError, readYaml } from './load.ts';

/** Throws `ConfigError` with all faults. */
export function loadRetentionPolicy(configDir: string): RetentionPolicy {
  const faults: string[] = [];
  const { parsed } = readYaml(configDir, 'retention.yml', RetentionPolicy, faults);
  if (parsed === null) throw new ConfigError(faults, configDir);
  return parsed;
}

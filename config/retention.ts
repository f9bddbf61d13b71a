/** Reads `config/retention.yml`, and says where lies what it is about. */
import { RetentionPolicy } from '../core/retention/policy.ts';
import { botSnapshotFile, reportsDir, retentionRunsDir, type DeskHome } from './home.ts';
import { ConfigError, readYaml } from './load.ts';

/** Adds its faults to `faults`; null where there is one. */
export function readRetentionPolicy(configDir: string, faults: string[]): RetentionPolicy | null {
  return readYaml(configDir, 'retention.yml', RetentionPolicy, faults).parsed;
}

/** Throws `ConfigError` with all faults. */
export function loadRetentionPolicy(configDir: string): RetentionPolicy {
  const faults: string[] = [];
  const parsed = readRetentionPolicy(configDir, faults);
  if (parsed === null) throw new ConfigError(faults, configDir);
  return parsed;
}

/** `RetentionPlaces` of `ledger/retention/facts.ts`. */
export function retentionPlaces(home: DeskHome) {
  const { journalsDir, archiveDir, logsDir, backupsDir } = home;
  return {
    journalsDir,
    snapshotFileOf: (bot: string): string => botSnapshotFile(home, bot),
    archiveDir,
    reportsDir: reportsDir(home),
    logsDir,
    backupsDir,
    runsDir: retentionRunsDir(home),
  };
}

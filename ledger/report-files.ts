/** Reports as files: each run for good, the latest under one name that is always whole. */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface ReportFile {
  /** Folder under the reports: `day2_gate`. */
  readonly family: string;
  readonly atMs: number;
  readonly json: object;
  readonly markdown: string;
}

/** Writes `<family>_<UTC>.json`, `.md` and `latest.json`; answers the first one's path. Throws what the disk says. */
export function writeReport(reportsDir: string, { family, atMs, json, markdown }: ReportFile): string {
  const dir = join(reportsDir, family);
  mkdirSync(dir, { recursive: true });
  const utc = new Date(atMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const text = `${JSON.stringify(json, null, 2)}\n`;
  const file = join(dir, `${family}_${utc}.json`);
  replace(file, text);
  replace(join(dir, `${family}_${utc}.md`), markdown);
  // A run that is tried again long after it is not the latest.
  const isRun = (name: string): boolean => name.startsWith(`${family}_`) && name.endsWith('.json');
  if (readdirSync(dir).filter(isRun).sort().at(-1) === basename(file)) replace(join(dir, 'latest.json'), text);
  return file;
}

/** A reader sees the old file or the new one, never a part. */
function replace(file: string, text: string): void {
  const draft = `${file}.${process.pid}.draft`;
  const descriptor = openSync(draft, 'w');
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
}

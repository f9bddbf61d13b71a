import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SimulatedMarket } from '../../core/simulation/options.ts';
import { DATA_DIR } from './harness.ts';

interface ManifestEntry {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly source: string;
  readonly licence: string;
  readonly licenceFile: string;
  readonly venue: string;
}

const BYTES_MAX = 15 * 1024 * 1024;
const { files } = JSON.parse(readFileSync(join(DATA_DIR, 'manifest.json'), 'utf8')) as { files: ManifestEntry[] };
const listed = readdirSync(DATA_DIR, { recursive: true, encoding: 'utf8' }).filter((path) =>
  statSync(join(DATA_DIR, path)).isFile(),
);

test.each(files)('$file has the bytes, the source and the licence that the manifest states', (entry) => {
  const bytes = readFileSync(join(DATA_DIR, entry.file));
  expect(bytes.length).toBe(entry.bytes);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(entry.sha256);
  expect(entry.source).toMatch(/^[\w-]+\/[\w-]+ \S+ @ [0-9a-f]{12}$/);
  expect(entry.licence).toBe('MIT');
  expect(readFileSync(join(DATA_DIR, entry.licenceFile), 'utf8')).toContain('MIT License');
  expect(entry.venue).toContain('recorded');
});

test('every recording is in the manifest, and all of it stays small', () => {
  const recordings = listed.filter((path) => path.endsWith('.gz'));
  expect(recordings.sort()).toEqual(files.map(({ file }) => file).sort());
  const bytes = listed.reduce((sum, path) => sum + statSync(join(DATA_DIR, path)).size, 0);
  expect(bytes).toBeLessThan(BYTES_MAX);
});

test('the markets play recordings that are there, by rules that fit', () => {
  const markets = SimulatedMarket.array().parse(JSON.parse(readFileSync(join(DATA_DIR, 'markets.json'), 'utf8')));
  for (const { recordings } of markets)
    expect(files.map(({ file }) => file)).toEqual(expect.arrayContaining(recordings));
});

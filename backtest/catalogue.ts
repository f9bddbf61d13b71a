/** What recorded data there is: `data/datasets.json`, the rules of its markets and where its files come from. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { describeFaults } from '../core/faults.ts';
import { createInstrument, InstrumentSpec, type Instrument } from '../core/market/instrument.ts';
import type { ColumnsOrigin } from '../core/recording/columns.ts';

const named = {
  name: z.string().regex(/^[a-z0-9-]{1,64}$/, 'expected a name of a-z, 0-9 and -'),
  symbol: InstrumentSpec.shape.symbol,
  /** One after the other, relative to the data folder. */
  files: z.array(z.string().min(1)).min(1),
};
const Dataset = z.discriminatedUnion('kind', [
  /** Book changes and trades as an exchange sent them; with the time between two settlements where it states marks. */
  z.strictObject({ kind: z.literal('feed'), ...named, fundingIntervalMs: z.int().positive().optional() }),
  z.strictObject({ kind: z.literal('bars'), barMs: z.int().positive(), ...named }),
]);
type Dataset = z.infer<typeof Dataset>;

const Manifest = z.object({
  files: z.array(
    z.object({ file: z.string(), sha256: z.string(), venue: z.string(), source: z.string(), licence: z.string() }),
  ),
});
const Markets = z.array(z.object({ instrument: InstrumentSpec }));

/** The catalogue cannot be used, or lacks what was asked for. Names file, path, rule and value. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
}

export type CataloguedData = Dataset & { readonly instrument: Instrument; readonly origins: readonly ColumnsOrigin[] };

/** Every set of data under `dataDir`. Throws `CatalogueError` or the system's error. */
export function readCatalogue(dataDir: string): CataloguedData[] {
  const datasets = parseFile(join(dataDir, 'datasets.json'), z.array(Dataset));
  const { files } = parseFile(join(dataDir, 'manifest.json'), Manifest);
  const markets = parseFile(join(dataDir, 'markets.json'), Markets);
  return datasets.map((dataset) => {
    const market = markets.find(({ instrument }) => instrument.symbol === dataset.symbol);
    if (market === undefined)
      throw new CatalogueError(`${dataDir}/markets.json: expected ${dataset.symbol} of ${dataset.name}, was missing`);
    const origins = dataset.files.map((name) => {
      const entry = files.find(({ file }) => file === name);
      if (entry === undefined)
        throw new CatalogueError(`${dataDir}/manifest.json: expected ${name} of ${dataset.name}, was missing`);
      const { file, sha256, venue, source, licence } = entry;
      return { file, sha256, venue, source, licence };
    });
    return { ...dataset, instrument: createInstrument(market.instrument), origins };
  });
}

/** Throws `CatalogueError` naming what there is. */
export function chooseData(catalogue: readonly CataloguedData[], name: string): CataloguedData {
  const found = catalogue.find((each) => each.name === name);
  if (found === undefined)
    throw new CatalogueError(`data: expected one of ${catalogue.map((each) => each.name).join(', ')}, was "${name}"`);
  return found;
}

function parseFile<T extends z.ZodType>(path: string, schema: T): z.infer<T> {
  const raw: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw new CatalogueError(`${path}: ${describeFaults(parsed.error, raw)}`);
  return parsed.data;
}

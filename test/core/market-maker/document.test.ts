/** docs/market-maker.md has every field of the schema, with the bounds and defaults that the schema has. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { TUNABLES } from '../../../core/bot/tunables.ts';
import { MarketMakerParams } from '../../../core/market-maker/params.ts';
import { REGIMES } from '../../../core/market-maker/regime.ts';

type Tree = { [key: string]: Tree | number | string };

const text = readFileSync('docs/market-maker.md', 'utf8');
const REQUIRED = {
  name: 'epp_v2_4',
  size: { orderQuote: '250', inventoryQuoteMax: '1000', skewBps: 1 },
  spread: { minNetEdgeBps: 1, atrFactor: 1, adverseSelectionBps: 1 },
  requoteBps: 1,
  requoteMsMin: 500,
};

const rows = [...text.matchAll(/^\| `([a-zA-Z.]+)`( \*)? \| [^|]+ \| ([^|]+) \| ([^|]+) \| /gm)].map(
  ([, path, tunable, bounds, preset]) => ({
    path: path!,
    isTunable: tunable !== undefined,
    bounds: bounds!.trim(),
    preset: preset!.trim(),
  }),
);

function leaves(tree: Tree, before = ''): [string, number | string][] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'object'
      ? leaves(value, `${before}${key}.`)
      : [[before + key, value] as [string, number | string]],
  );
}

function changed(path: string, value: unknown): unknown {
  const copy = structuredClone(REQUIRED) as unknown as Tree;
  const keys = path.split('.');
  let at = copy;
  for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Tree;
  at[keys.at(-1)!] = value as number;
  return copy;
}

const accepts = (path: string, value: unknown): boolean => MarketMakerParams.safeParse(changed(path, value)).success;

test('every field has its row', () => {
  const fields = leaves(MarketMakerParams.parse(REQUIRED) as unknown as Tree).map(([path]) => path);
  expect(rows.map(({ path }) => path).sort()).toEqual(fields.filter((path) => path !== 'name').sort());
});

test.each(rows)('$path', ({ path, isTunable, bounds, preset }) => {
  const required = new Map(leaves(REQUIRED));
  const parsed = new Map(leaves(MarketMakerParams.parse(REQUIRED)));
  expect(preset).toBe(required.has(path) ? '—' : String(parsed.get(path)));
  expect(isTunable).toBe(`strategy.${path}` in TUNABLES);
  const range = /^(-?[\d.]+)\.\.([\d.]+)$/.exec(bounds);
  if (range === null) return;
  const [low, high] = [Number(range[1]), Number(range[2])];
  expect([low, high].map((value) => accepts(path, value))).toEqual([true, true]);
  expect([low - 1e-3, low - 1, high + 1e-3, high + 1].map((value) => accepts(path, value))).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('the regimes are what the code has', () => {
  for (const [name, spec] of Object.entries(REGIMES)) {
    const row = new RegExp(`^\\| ${name} \\| ([^|]+) \\| ([^|]+) \\|.*\\| ([^|]+) \\| [^|]+ \\|$`, 'm').exec(text);
    expect(row?.slice(1, 4).map(Number)).toEqual([spec.spreadFactor, spec.sizeFactor, spec.targetShiftRatio]);
  }
});

/** `docs/config.md` against the schemas and the live-tunable parameters: no field missing, no bound or default wrong. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { DeskConfig } from '../../config/desk-config.ts';
import { BotConfig, RiskLimits, TwoSidedQuotesParams } from '../../core/bot/bot-config.ts';
import { TUNABLES } from '../../core/bot/tunables.ts';
import { MarketMakerParams } from '../../core/market-maker/params.ts';
import { declaredFields } from './declared-fields.ts';

const page = readFileSync('docs/config.md', 'utf8');

/** The table under a heading, row by row. */
function rowsUnder(heading: string): string[][] {
  const section = page.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(2, -2).split(' | '));
}

const { strategy: _strategy, risk: _risk, ...ofBotAlone } = BotConfig.shape;
const SECTIONS: readonly (readonly [string, ReturnType<typeof declaredFields>])[] = [
  ['A bot', Object.entries(ofBotAlone).flatMap(([key, field]) => declaredFields(field as z.ZodType, key))],
  ['Its risk', declaredFields(RiskLimits, 'risk')],
  ['The strategy `epp_v2_4`', declaredFields(MarketMakerParams, 'strategy')],
  ['The strategy `two_sided_quotes`', declaredFields(TwoSidedQuotesParams, 'strategy')],
  ['The desk', declaredFields(DeskConfig)],
];

function liveBounds(path: string): string {
  const bounds = TUNABLES[path];
  if (bounds === undefined) return '';
  return `${bounds.min}..${bounds.max}`;
}

/** By the name's ending; null where a unit has no ending of its own. */
function unitOf(path: string): string | null {
  const endings: readonly (readonly [RegExp, string])[] = [
    [/Bps(Min|Max)?$/, 'bps'],
    [/Ms(Min|Max)?$/, 'ms'],
    [/(Dwell|Window|Drift|Horizon|recalculate|bar|deadman)S$/, 's'],
    [/(Quote(Max)?|openingBalance)$/, 'USDT'],
    [/Pct(Max)?$/, '%'],
    [/Bars$/, 'bars'],
    [/Ratio(Soft|Hard)?$/, 'ratio'],
  ];
  return endings.find(([ending]) => ending.test(path))?.[1] ?? null;
}

describe.each(SECTIONS)('%s', (heading, fields) => {
  test('every field in its order, with its values, its default, and what it may become while the bot runs', () => {
    const told = rowsUnder(heading).map(([path, , values, fallback, live]) => [path, values, fallback, live]);
    const expected = fields.map(({ path, values, fallback }) => {
      const live = heading === 'The desk' ? '' : liveBounds(path);
      return [`\`${path}\``, values, fallback, live];
    });
    expect(told).toEqual(expected);
  });

  test('each with its unit and a sentence', () => {
    for (const [path = '', unit, , , , meaning = ''] of rowsUnder(heading)) {
      const wanted = unitOf(path.replaceAll('`', ''));
      if (wanted !== null) expect([path, unit]).toEqual([path, wanted]);
      expect([path, meaning.length > 15]).toEqual([path, true]);
    }
  });
});

test('every tunable parameter stands on the page', () => {
  const paths = SECTIONS.flatMap(([, fields]) => fields.map(({ path }) => path));
  for (const path of Object.keys(TUNABLES)) expect(paths).toContain(path);
});

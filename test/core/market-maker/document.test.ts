/** docs/market-maker.md has the regimes that the code has. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { REGIMES } from '../../../core/market-maker/regime.ts';

const text = readFileSync('docs/market-maker.md', 'utf8');

test('the regimes are what the code has', () => {
  for (const [name, spec] of Object.entries(REGIMES)) {
    const row = new RegExp(`^\\| ${name} \\| ([^|]+) \\| ([^|]+) \\|.*\\| ([^|]+) \\| [^|]+ \\|$`, 'm').exec(text);
    expect(row?.slice(1, 4).map(Number)).toEqual([spec.spreadFactor, spec.sizeFactor, spec.targetShiftRatio]);
  }
});

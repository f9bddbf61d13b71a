/** Charts as a browser is given them: whole, within their frame, and with everything that is known drawn. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { drawIntervals, type IntervalChart } from '../../../core/reporting/interval-chart.ts';
import type { Estimate } from '../../../core/reporting/interval.ts';

const estimate = (mean: number | null, half: number | null): Estimate => ({
  n: 1,
  minutes: 1,
  mean,
  low: mean === null || half === null ? null : mean - half,
  high: mean === null || half === null ? null : mean + half,
});

const CHART: IntervalChart = {
  title: 'Edge <of> "a" & b',
  subtitle: 'bot1',
  xTitle: 'hour',
  yTitle: 'net edge, bps',
  base: 0,
  places: ['a', 'b', 'c'],
  series: [{ name: 'buy', estimates: [estimate(1, 0.5), estimate(-2, null), null] }],
  marks: [],
};

/** Tags in order, each closed; answers the text without them. */
function parsed(svg: string): string {
  const open: string[] = [];
  const text = svg.replace(
    /<(\/?)([a-z]+)((?:\s[a-zA-Z0-9:-]+="[^"<]*")*)\s*(\/?)>/g,
    (_all, end: string, name: string, _attributes, alone: string) => {
      // prettier-ignore
      if (end === '/') expect(open.pop()).toBe(name);
    else if (alone === '') open.push(name);
      return '';
    },
  );
  expect(open).toEqual([]);
  expect(text).not.toMatch(/[<>]/);
  return text;
}

const numbersOf = (svg: string, attribute: string): number[] =>
  [...svg.matchAll(new RegExp(` ${attribute}="([^"]*)"`, 'g'))].map(([, value]) => Number(value));

describe('by hand', () => {
  const svg = drawIntervals(CHART);

  test('it is whole, and what people wrote is text in it', () => {
    expect(parsed(svg)).toContain('Edge &lt;of&gt; &quot;a&quot; &amp; b');
  });

  test('a mean with an interval is full and has its whisker, one without is hollow, nothing is nothing', () => {
    const circles = [...svg.matchAll(/<circle [^>]*cx="([\d.]+)"[^>]*fill="(#[0-9a-f]+)"/g)];
    // The hollow one of the key, then those of the data.
    expect(circles.map(([, , fill]) => fill)).toEqual(['#ffffff', '#1f5fa8', '#ffffff']);
    expect(svg.match(/<path /g)).toHaveLength(1);
    expect(svg).toContain('hollow: no interval');
  });

  test('higher is higher, and 0 has its line', () => {
    const [, up, down] = [...svg.matchAll(/<circle [^>]*cy="([\d.]+)"/g)].map(([, y]) => Number(y));
    const zero = /y1="([\d.]+)" y2="[\d.]+" stroke="#5b6570"/.exec(svg)?.[1];
    expect(up!).toBeLessThan(Number(zero));
    expect(down!).toBeGreaterThan(Number(zero));
  });

  test('both axes have titles; every place its label, of many places some', () => {
    const text = parsed(svg);
    for (const label of ['hour', 'net edge, bps', 'a', 'b', 'c']) expect(text).toContain(label);
    const hours = Array.from({ length: 24 }, (_, hour) => `h${hour}.`);
    const many = parsed(drawIntervals({ ...CHART, places: hours, series: [] }));
    expect(hours.filter((hour) => many.includes(hour))).toEqual(hours.filter((_, hour) => hour % 2 === 0));
  });

  test('one series needs no name, several have theirs', () => {
    expect(parsed(svg)).not.toContain('buy');
    const two = [...CHART.series, { name: 'sell', estimates: [estimate(3, 1), null, null] }];
    expect(parsed(drawIntervals({ ...CHART, series: two }))).toMatch(/buy[^]*sell/);
  });
});

test('whatever is drawn is whole and lies within its frame', () => {
  const number = fc.double({ min: -1e4, max: 1e4, noNaN: true });
  const any = fc.option(fc.tuple(number, fc.option(number.map(Math.abs))).map(([mean, half]) => estimate(mean, half)));
  const places = fc.integer({ min: 1, max: 24 });
  fc.assert(
    fc.property(places, fc.array(fc.array(any, { maxLength: 24 }), { maxLength: 3 }), number, (count, lists, mark) => {
      const svg = drawIntervals({
        ...CHART,
        places: Array.from({ length: count }, (_, index) => String(index)),
        series: lists.map((list, index) => ({ name: `s${index}`, estimates: list.slice(0, count), isJoined: true })),
        marks: [{ value: mark, label: 'mark' }],
      });
      parsed(svg);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      for (const y of [...numbersOf(svg, 'cy'), ...numbersOf(svg, 'y1'), ...numbersOf(svg, 'y2')])
        expect(y >= 60 && y <= 420).toBe(true);
      for (const x of numbersOf(svg, 'cx')) expect(x >= 60 && x <= 600).toBe(true);
    }),
  );
});

/**
 * A chart of means with their intervals over named places, as an SVG that stands alone. Drawn 600 wide with letters of 17,
 * so that it can be read on a phone, where it is shrunk to two thirds, as well as on a desk. A mean without an interval is
 * hollow; what is not known is not drawn.
 */
import type { Estimate } from './interval.ts';

export interface Series {
  readonly name: string;
  /** One for each place. */
  readonly estimates: readonly (Estimate | null)[];
  /** Joined by a line: the places are an order. */
  readonly isJoined?: boolean;
}

export interface IntervalChart {
  readonly title: string;
  readonly subtitle: string;
  readonly xTitle: string;
  /** With its unit. */
  readonly yTitle: string;
  /** The value that everything is compared with: always shown, and drawn as a line. */
  readonly base: number;
  readonly places: readonly string[];
  /** Up to four. */
  readonly series: readonly Series[];
  /** Further values to hold the means against. */
  readonly marks: readonly { readonly value: number; readonly label: string }[];
}

const WIDTH = 600;
const HEIGHT = 420;
const LEFT = 82;
const RIGHT = 18;
const TOP = 92;
const BOTTOM = 74;
const LETTERS = 17;
const KEY_ROW = 24;
const PLACES_LABELLED_MAX = 12;
/** What differs by less is drawn as one. */
const SPAN_MIN = 1e-9;
const INK = '#1b1f24';
const FAINT = '#5b6570';
const GRID = '#dfe3e8';
/** Told apart by anyone, also by shape. */
const LOOKS = [
  { color: '#1f5fa8', shape: 'circle' },
  { color: '#b4470f', shape: 'square' },
  { color: '#2c7a4b', shape: 'diamond' },
  { color: '#7a3e9d', shape: 'circle' },
] as const;
type Look = (typeof LOOKS)[number];

export function drawIntervals(chart: IntervalChart): string {
  const key = keyOf(chart);
  const scale = scaleOf(chart, TOP + KEY_ROW * (key.rows - 1));
  const series = chart.series.map((each, index) => drawSeries(each, index, chart, scale));
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(LEFT - 66, 28, chart.title, { size: 20, weight: 600 }),
    text(LEFT - 66, 52, chart.subtitle, { fill: FAINT, size: 15 }),
    ...key.drawn,
    ...yAxis(chart, scale),
    ...xAxis(chart),
    ...chart.marks.map(({ value }) => dashes(LEFT, WIDTH - RIGHT, scale.y(value))),
    ...series,
  ];
  const label = escaped(`${chart.title}. ${chart.subtitle}`);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
    `role="img" aria-label="${label}" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif">\n` +
    `<title>${label}</title>\n${parts.join('\n')}\n</svg>\n`
  );
}

interface Scale {
  readonly top: number;
  readonly ticks: readonly number[];
  readonly decimals: number;
  readonly y: (value: number) => number;
}

/** The base, every mean, interval and mark lie inside. */
function scaleOf({ series, marks, base }: IntervalChart, top: number): Scale {
  const values = [base, ...marks.map(({ value }) => value)];
  for (const { estimates } of series) {
    for (const estimate of estimates) {
      if (estimate === null) continue;
      for (const value of [estimate.mean, estimate.low, estimate.high]) if (value !== null) values.push(value);
    }
  }
  const low = Math.min(...values);
  const high = Math.max(...values);
  const step = niceStep((high - low > SPAN_MIN ? high - low : 1) / 5);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  const span = (last - first) * step;
  const y = (value: number): number => HEIGHT - BOTTOM - ((value - first * step) / span) * (HEIGHT - BOTTOM - top);
  return { top, ticks, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), y };
}

/** 1, 2 or 5 times a power of ten. */
function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const multiple = [1, 2, 5, 10].find((each) => each * power >= rough) ?? 10;
  return multiple * power;
}

function placeX({ places }: Pick<IntervalChart, 'places'>, place: number): number {
  return LEFT + ((place + 0.5) / places.length) * (WIDTH - LEFT - RIGHT);
}

function yAxis({ yTitle, base }: IntervalChart, { top, ticks, decimals, y }: Scale): string[] {
  const middle = (top + HEIGHT - BOTTOM) / 2;
  const lines = ticks.flatMap((tick) => [
    line(y(tick), GRID, 1),
    // What doubles make of 0 is often a little below it.
    text(LEFT - 8, y(tick) + 6, (Math.abs(tick) < SPAN_MIN ? 0 : tick).toFixed(decimals), { anchor: 'end' }),
  ]);
  const title = `<text transform="translate(20 ${middle}) rotate(-90)" text-anchor="middle" font-size="${LETTERS}" fill="${INK}">${escaped(yTitle)}</text>`;
  return [...lines, line(y(base), FAINT, 1.5), title];
}

function xAxis(chart: IntervalChart): string[] {
  const { places, xTitle } = chart;
  const every = Math.ceil(places.length / PLACES_LABELLED_MAX);
  const labels = places.flatMap((place, index) =>
    index % every === 0 ? [text(placeX(chart, index), HEIGHT - BOTTOM + 24, place, { anchor: 'middle' })] : [],
  );
  const middle = (LEFT + WIDTH - RIGHT) / 2;
  return [...labels, text(middle, HEIGHT - 16, xTitle, { anchor: 'middle' })];
}

/** Names of several series, marks, and what a hollow point is; in as many rows as it takes. One series needs no name. */
function keyOf({ series, marks }: IntervalChart): { readonly drawn: string[]; readonly rows: number } {
  type Sign = (x: number, y: number) => string;
  const names = series.length > 1 ? series.map(({ name }) => name) : [];
  const entries: [string, Sign][] = names.map((name, index) => [name, (x, y) => shape(lookOf(index), x, y, true)]);
  for (const { label } of marks) entries.push([label, (x, y) => dashes(x - 9, x + 9, y)]);
  const isAnyHollow = series.some(({ estimates }) => estimates.some((each) => each !== null && each.mean !== null && each.low === null)); // prettier-ignore
  if (isAnyHollow) entries.push(['hollow: no interval', (x, y) => shape(lookOf(0), x, y, false)]);
  const drawn: string[] = [];
  let [x, rows] = [LEFT + 6, 1];
  for (const [name, sign] of entries) {
    const width = 40 + name.length * LETTERS * 0.55;
    if (x > LEFT + 6 && x + width > WIDTH) [x, rows] = [LEFT + 6, rows + 1];
    const y = TOP - 20 + KEY_ROW * (rows - 1);
    drawn.push(sign(x, y), text(x + 14, y + 6, name, {}));
    x += width;
  }
  return { drawn, rows };
}

function lookOf(index: number): Look {
  return LOOKS[index % LOOKS.length] as Look;
}

function dashes(from: number, to: number, y: number): string {
  const at = coordinate(y);
  return `<line x1="${coordinate(from)}" x2="${coordinate(to)}" y1="${at}" y2="${at}" stroke="${INK}" stroke-width="1.5" stroke-dasharray="6 5"/>`;
}

function line(y: number, color: string, width: number): string {
  const at = coordinate(y);
  return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="${color}" stroke-width="${width}"/>`;
}

function drawSeries(series: Series, index: number, chart: IntervalChart, { y }: Scale): string {
  const look = lookOf(index);
  const width = (WIDTH - LEFT - RIGHT) / chart.places.length;
  // Side by side, so that intervals of one place do not hide each other.
  const shift = (index - (chart.series.length - 1) / 2) * Math.min(26, width / (chart.series.length + 1));
  const drawn: string[] = [];
  const path: string[] = [];
  series.estimates.forEach((estimate, place) => {
    if (estimate === null || estimate.mean === null) return;
    const { mean, low, high } = estimate;
    const x = placeX(chart, place) + shift;
    path.push(`${coordinate(x)},${coordinate(y(mean))}`);
    if (low !== null && high !== null) drawn.push(whisker(x, y(low), y(high), Math.min(7, width / 4), look));
    drawn.push(shape(look, x, y(mean), low !== null));
  });
  const joined = `<polyline points="${path.join(' ')}" fill="none" stroke="${look.color}" stroke-width="2" stroke-opacity="0.5"/>`;
  return [...(series.isJoined === true && path.length > 1 ? [joined] : []), ...drawn].join('\n');
}

function whisker(x: number, low: number, high: number, half: number, { color }: Look): string {
  const [left, right, at, from, to] = [x - half, x + half, x, low, high].map(coordinate);
  return `<path d="M${left} ${from}H${right}M${left} ${to}H${right}M${at} ${from}V${to}" stroke="${color}" stroke-width="2" fill="none"/>`;
}

function shape({ color, shape: kind }: Look, x: number, y: number, isFilled: boolean): string {
  const [cx, cy] = [coordinate(x), coordinate(y)];
  const paint = `fill="${isFilled ? color : '#ffffff'}" stroke="${color}" stroke-width="2"`;
  if (kind === 'circle') return `<circle cx="${cx}" cy="${cy}" r="5.5" ${paint}/>`;
  const turn = kind === 'diamond' ? ` transform="rotate(45 ${cx} ${cy})"` : '';
  return `<rect x="${coordinate(x - 5)}" y="${coordinate(y - 5)}" width="10" height="10" ${paint}${turn}/>`;
}

interface TextLook {
  readonly anchor?: 'middle' | 'end';
  readonly fill?: string;
  readonly size?: number;
  readonly weight?: number;
}

function text(x: number, y: number, content: string, { anchor, fill = INK, size = LETTERS, weight }: TextLook): string {
  const more =
    (anchor === undefined ? '' : ` text-anchor="${anchor}"`) + (weight === undefined ? '' : ` font-weight="${weight}"`);
  return `<text x="${coordinate(x)}" y="${coordinate(y)}" font-size="${size}" fill="${fill}"${more}>${escaped(content)}</text>`;
}

function coordinate(value: number): string {
  return value.toFixed(1);
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

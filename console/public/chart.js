/** A small equity curve as SVG. A pause in the data is a gap in the line, never a straight bridge. */

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 320;
const HEIGHT = 64;
const PAD = 3;

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/** Telemetry comes every 5 s; slices of a long span come further apart. */
function gapMs(points) {
  const steps = points.slice(1).map((point, i) => point.atMs - points[i].atMs);
  const typical = steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  return Math.max(30_000, typical * 4);
}

/** Runs of points without a gap between them. */
export function runsOf(points) {
  const gap = gapMs(points);
  const runs = [];
  for (const [i, point] of points.entries()) {
    if (i === 0 || point.atMs - points[i - 1].atMs > gap) runs.push([]);
    runs.at(-1).push(point);
  }
  return runs;
}

export function rangeOf(points) {
  const values = points.map(({ value }) => value);
  return { low: Math.min(...values), high: Math.max(...values) };
}

/** `points` are { atMs, value }, oldest first, at least two. */
export function curve(points, label) {
  const { low, high } = rangeOf(points);
  // A flat line lies in the middle instead of filling the height with noise.
  const height = Math.max(high - low, Math.abs(high) * 1e-6, 1e-6);
  const middle = (high + low) / 2;
  const fromMs = points[0].atMs;
  const spanMs = Math.max(1, points.at(-1).atMs - fromMs);
  const x = ({ atMs }) => PAD + ((atMs - fromMs) / spanMs) * (WIDTH - 2 * PAD);
  const y = ({ value }) => HEIGHT / 2 - ((value - middle) / height) * (HEIGHT - 2 * PAD);
  const svg = element('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    role: 'img',
    'aria-label': label,
  });
  for (const run of runsOf(points)) {
    const line = run.map((point) => `${x(point).toFixed(1)} ${y(point).toFixed(1)}`).join('L');
    const ends = [run[0], run.at(-1)].map((point) => x(point).toFixed(1));
    svg.append(element('path', { class: 'area', d: `M${line}L${ends[1]} ${HEIGHT}L${ends[0]} ${HEIGHT}Z` }));
    // One lonely point is drawn as a dot by the round cap.
    svg.append(element('path', { class: 'line', d: run.length === 1 ? `M${line}h0` : `M${line}` }));
  }
  return svg;
}

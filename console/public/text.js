/** Numbers, times and the desk's codes as people read them. Pure. */

const MONEY = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const MINUS = '\u2212';
export const NONE = '\u2013';

export function money(value) {
  if (value === null) return NONE;
  const text = MONEY.format(Math.abs(value));
  return value < 0 && text !== '0.00' ? MINUS + text : text;
}

export function whole(value) {
  return WHOLE.format(value);
}

/** Direction in a sign and a shape, so that no colour is needed to read it. */
export function signedMoney(value) {
  if (value === null) return { text: NONE, tone: 'flat' };
  const text = MONEY.format(Math.abs(value));
  if (text === '0.00') return { text: '0.00', tone: 'flat' };
  return value > 0
    ? { text: `\u25b2\u00a0+${text}`, tone: 'up' }
    : { text: `\u25bc\u00a0${MINUS}${text}`, tone: 'down' };
}

export function percent(ratio, digits = 2) {
  if (ratio === null) return NONE;
  const text = (Math.abs(ratio) * 100).toFixed(digits);
  return `${ratio < 0 && Number(text) !== 0 ? MINUS : ''}${text}\u00a0%`;
}

/** Decimals that a list of decimal texts needs to line up. */
export function decimalsOf(texts) {
  return Math.max(0, ...texts.map((text) => (text.split('.')[1] ?? '').length));
}

export function decimal(text, decimals) {
  if (text === null) return NONE;
  const value = Number(text);
  const shown = Math.abs(value).toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  return value < 0 ? MINUS + shown : shown;
}

/** "4 s", "3 min", "2 h 10 min": for ages, where the first unit is what counts. */
export function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1_000));
  if (s < 100) return `${s}\u00a0s`;
  const min = Math.floor(s / 60);
  if (min < 100) return `${min}\u00a0min`;
  const h = Math.floor(min / 60);
  return h < 48 ? `${h}\u00a0h ${min % 60}\u00a0min` : `${Math.floor(h / 24)}\u00a0days`;
}

const two = (value) => String(value).padStart(2, '0');

export function clock(atMs) {
  const at = new Date(atMs);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function utcClock(atMs) {
  return `${new Date(atMs).toISOString().slice(11, 19)} UTC`;
}

export function day(atMs) {
  return new Date(atMs).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC',
  });
}

/** Below a hundredth of a millisecond nothing is told apart. */
export function millis(ms) {
  return `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)}\u00a0ms`;
}

/** A code is words with underscores; those that need more than that are listed. */
export function words(code) {
  const text = code.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const PROBLEMS = {
  store_not_answering: 'the event store does not answer',
  no_telemetry: 'no telemetry yet',
  telemetry_stale: 'its data is old',
  starting: 'starting',
  stopping: 'stopping',
  hard_stopped: 'hard stop',
  paused_without_supervisor: 'paused itself: nobody supervises it',
  soft_pause: 'paused itself: a limit of its own is reached',
  cut_off: 'cannot quote: something outside it has to be put right',
  gave_up: 'not restarted any more',
  workflow_missing: 'no workflow supervises it',
  workflow_silent: 'its workflow does not answer',
};

export function problem(code) {
  return PROBLEMS[code] ?? words(code).toLowerCase();
}

/** A version keeps its dot. */
export function strategyName(code) {
  return code.replace(/^epp_v(\d+)_(\d+)$/, 'EPP v$1.$2').replaceAll('_', ' ');
}

/** A text that goes on from a name, as a sentence of its own. */
export function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

const EVIDENCE_NAMES = { day2_gate: 'Day-2 gate', market_data_freshness: 'Market data' };

export function evidenceName(kind) {
  return EVIDENCE_NAMES[kind] ?? words(kind);
}

export function verdictLook(verdict) {
  if (verdict === null) return { shape: 'off', tone: 'off' };
  return verdict === 'pass' ? { shape: 'ok', tone: 'ok' } : { shape: 'warn', tone: 'care' };
}

/** Tone of a level of risk: what is not listed takes the bot out of the market for good. */
export function riskTone(level) {
  if (level === 'allow') return 'flat';
  return level === 'reduce_exposure' || level === 'soft_pause' ? 'care' : 'bad';
}

/** Shape and tone of a phase: each has its own shape. */
export function phaseLook(phase) {
  switch (phase) {
    case 'running':
      return { shape: 'play', tone: 'ok' };
    case 'paused':
      return { shape: 'pause', tone: 'care' };
    case 'hard_stopped':
      return { shape: 'stop', tone: 'bad' };
    case 'disabled':
      return { shape: 'off', tone: 'off' };
    default:
      return { shape: 'wait', tone: 'care' };
  }
}

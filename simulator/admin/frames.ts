/** Pushed frames of any dialect as the fault plan sees them: their channel, their symbol, and how one is spoiled. */
import type { FaultOf } from '../../core/simulation/fault-plan.ts';

type Row = Record<string, unknown>;
type Level = [string, string];

export interface Frame {
  readonly text: string;
  readonly about: { readonly channel: string; readonly symbol: string | null };
  readonly message: { readonly action?: unknown; readonly data: readonly Row[] };
}

/** Null for what is no push: acknowledgements, errors and the text `pong`. */
export function readFrame(text: string): Frame | null {
  if (!text.startsWith('{')) return null;
  const message = JSON.parse(text) as { action?: unknown; arg?: Row; topic?: unknown; data?: unknown };
  if (message.arg === undefined || !Array.isArray(message.data)) return null;
  const data = message.data as Row[];
  const about = { channel: channelOf(message.arg), symbol: symbolOf(message.arg, data[0]) };
  return { text, about, message: { ...message, data } };
}

/** v2 says `channel`, v3 `topic`. */
export function channelOf({ channel, topic }: Readonly<Row>): string {
  return textOf(channel) ?? textOf(topic) ?? '';
}

/** Private channels name their symbol in the rows only. */
export function symbolOf({ instId, symbol }: Readonly<Row>, row: Readonly<Row> | undefined): string | null {
  const named = textOf(instId) ?? textOf(symbol);
  if (named !== null && named !== 'default') return named;
  return row === undefined ? null : (textOf(row.instId) ?? textOf(row.symbol));
}

/** The spoiled text; null when there is nothing in the frame that could be spoiled so. */
export function corrupted({ text, message }: Frame, what: FaultOf<'corrupt'>['what']): string | null {
  if (what === 'json') return text.slice(0, -Math.ceil(text.length / 4));
  const [row, ...rest] = message.data;
  const spoiled = row === undefined ? null : spoiledRow(row, what);
  return spoiled === null ? null : JSON.stringify({ ...message, data: [spoiled, ...rest] });
}

function spoiledRow(row: Row, what: 'level' | 'checksum' | 'sequence'): Row | null {
  switch (what) {
    case 'checksum':
      return typeof row.checksum === 'number' ? { ...row, checksum: (row.checksum ^ 1) | 0 } : null;
    case 'sequence':
      return typeof row.pseq === 'number' ? { ...row, pseq: row.pseq + 1 } : null;
    case 'level': {
      const side = (['bids', 'b', 'asks', 'a'] as const).find(
        (name) => Array.isArray(row[name]) && row[name].length > 0,
      );
      if (side === undefined) return null;
      const levels = row[side] as Level[];
      const isBid = side.startsWith('b');
      const best = levels.reduce((one, other) => (Number(other[0]) > Number(one[0]) === isBid ? other : one));
      return { ...row, [side]: levels.map((level) => (level === best ? [level[0], `9${level[1]}`] : level)) };
    }
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/**
 * Events as rows of `COPY event ... (format binary)`. Every value carries its length, so no character has to be escaped and
 * none can be mistaken for a delimiter; it is also the form that Postgres reads fastest.
 */
import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { correlationId, STREAM_BY_KIND } from '../core/events/record.ts';
import { invariant } from '../core/invariant.ts';
import type { JournalRecord } from '../journal/reader.ts';

export const COPY_EVENTS = `copy event (source, sequence, journal_sequence, epoch, cause_sequence, stream, at, correlation_id, payload)
  from stdin (format binary)`;
const COLUMNS = 9;
const CHUNK_BYTES = 64 * 1024;
/** "PGCOPY\n\377\r\n\0", no flags, no extension. */
const FILE_HEADER = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex');
const FILE_TRAILER = Buffer.from('ffff', 'hex');
const JSONB_VERSION = 1;
/** Postgres counts microseconds from 2000-01-01. */
const POSTGRES_EPOCH_MS = 946_684_800_000;
const MICROSECONDS_MAX = Number.MAX_SAFE_INTEGER;
const TWO_32 = 4_294_967_296;
const STREAM_BYTES = new Map(Object.entries(STREAM_BY_KIND).map(([kind, name]) => [Number(kind), Buffer.from(name)]));

/** The whole COPY file in chunks of about 64 KiB. `payloadOf` may replace a payload that Postgres refused. */
export function* copyChunks(
  bot: string,
  records: readonly JournalRecord[],
  payloadOf: (record: JournalRecord) => Buffer = ({ payload }) => payload,
): Generator<Buffer> {
  const botBytes = Buffer.from(bot);
  let chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let used = FILE_HEADER.copy(chunk);
  for (const record of records) {
    const stream = STREAM_BYTES.get(record.kind);
    invariant(stream !== undefined, `kind ${record.kind} is an event with a stream`);
    const correlation = correlationId(bot, record.epoch, record.causeSequence);
    const payload = payloadOf(record);
    const rowBytes =
      2 + COLUMNS * 4 + botBytes.length + 5 * 8 + stream.length + correlation.length + 1 + payload.length;
    if (used + rowBytes > chunk.length) {
      yield chunk.subarray(0, used);
      chunk = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, rowBytes));
      used = 0;
    }
    used = chunk.writeInt16BE(COLUMNS, used);
    used = writeBytes(chunk, used, botBytes);
    used = writeInt64(chunk, used, record.eventSequence);
    used = writeInt64(chunk, used, record.sequence);
    used = writeInt64(chunk, used, record.epoch);
    used = writeInt64(chunk, used, record.causeSequence);
    used = writeBytes(chunk, used, stream);
    used = writeInt64(chunk, used, microseconds(record.atMs));
    used = chunk.writeInt32BE(correlation.length, used);
    used += chunk.write(correlation, used, 'latin1');
    used = chunk.writeInt32BE(payload.length + 1, used);
    used = chunk.writeUInt8(JSONB_VERSION, used);
    used += payload.copy(chunk, used);
  }
  yield chunk.subarray(0, used);
  yield FILE_TRAILER;
}

function microseconds(atMs: number): number {
  const value = Math.round((atMs - POSTGRES_EPOCH_MS) * 1000);
  return Math.max(-MICROSECONDS_MAX, Math.min(MICROSECONDS_MAX, value));
}

function writeBytes(chunk: Buffer, at: number, bytes: Buffer): number {
  const next = chunk.writeInt32BE(bytes.length, at);
  return next + bytes.copy(chunk, next);
}

function writeInt64(chunk: Buffer, at: number, value: number): number {
  const high = Math.floor(value / TWO_32);
  chunk.writeInt32BE(8, at);
  chunk.writeInt32BE(high, at + 4);
  return chunk.writeUInt32BE(value - high * TWO_32, at + 8);
}

/** Sends the chunks; resolves when the server has taken every row. Rejects with the server's or the connection's error. */
export async function copyIn(client: ClientBase, sql: string, chunks: Iterable<Buffer>): Promise<void> {
  const stream = client.query(copyFrom(sql));
  let failure: Error | null = null;
  stream.on('error', (error: Error) => (failure ??= error));
  const check = (): void => {
    if (failure !== null) throw failure;
  };
  for (const chunk of chunks) {
    check();
    // A full socket is waited for, so the next chunk is made while the server reads this one.
    if (!stream.write(chunk)) await once(stream, 'drain');
  }
  check();
  stream.end();
  await once(stream, 'finish');
}

const LONE_OR_ESCAPE = /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([0-9a-fA-F]{4})|\\./g;

/**
 * The nearest JSON that jsonb can hold: it knows neither U+0000 nor half a surrogate pair. Shown as U+2400 and U+FFFD; the
 * journal keeps what was said. Bytes that are no text are left as they are, to be refused again.
 */
export function storableJson(payload: Buffer): Buffer {
  if (!isUtf8(payload)) return payload;
  const text = payload.toString('utf8').replace(LONE_OR_ESCAPE, (escape: string, code: string | undefined) => {
    if (code === undefined) return escape;
    if (code === '0000') return '\u2400';
    return /^d[89a-f]/i.test(code) ? '\ufffd' : escape;
  });
  return Buffer.from(text);
}

/** What is stored for a payload that is no JSON at all: nothing is dropped, and the row says so. */
export function unreadableJson(payload: Buffer): Buffer {
  return Buffer.from(JSON.stringify({ unreadable: payload.toString('base64') }));
}

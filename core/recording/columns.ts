/**
 * Recorded data as columns: what reads them looks at the bytes where they lie, without parsing. Little endian.
 *
 *    0  8 bytes  magic
 *    8  uint32   version
 *   12  uint32   length of the header text
 *   16  uint32   CRC-32 of all that follows it
 *   20  4 bytes  zero
 *   24  header text: JSON of `ColumnsHeader`
 *       columns, each beginning at a whole multiple of 8 bytes
 */
import { z } from 'zod';
import { describeFaults, showValue } from '../faults.ts';
import { InstrumentSpec } from '../market/instrument.ts';

/** Files of another version are made anew from their origins. */
export const COLUMNS_VERSION = 1;
const MAGIC = 'DESKCOLS';
const PREFIX_BYTES = 24;
const CRC_OFFSET = 16;
const ALIGNMENT = 8;

/** A file that the columns were made from. */
export const ColumnsOrigin = z.strictObject({
  /** Relative to the data folder. */
  file: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** What the data is, for whoever looks at it. */
  venue: z.string().min(1),
  /** Repository, path and commit that the file was found at. */
  source: z.string().min(1),
  licence: z.string().min(1),
});
export type ColumnsOrigin = z.infer<typeof ColumnsOrigin>;

const ColumnEntry = z.strictObject({
  name: z.string().min(1),
  type: z.enum(['f64', 'i32', 'u32', 'u8']),
  count: z.int().nonnegative(),
  /** From the beginning of the file. */
  offset: z.int().nonnegative(),
});
type ColumnEntry = z.infer<typeof ColumnEntry>;

const ColumnsHeader = z.strictObject({
  /** `feed`: changes of a book and trades; `bars`: closed intervals. */
  kind: z.enum(['feed', 'bars']),
  instrument: InstrumentSpec,
  origins: z.array(ColumnsOrigin).min(1),
  /** Single numbers of the whole, by name. */
  facts: z.record(z.string(), z.number()),
  columns: z.array(ColumnEntry),
});
export type ColumnsHeader = z.infer<typeof ColumnsHeader>;

interface ArrayOf {
  f64: Float64Array;
  i32: Int32Array;
  u32: Uint32Array;
  u8: Uint8Array;
}
export type ColumnType = keyof ArrayOf;
export type ColumnArray = ArrayOf[ColumnType];

/** CRC-32 as zlib computes it; comes from whoever may use Node. */
export type Crc32 = (bytes: Uint8Array) => number;

/** A file that is not what it should be: path, rule and value. */
export class ColumnsError extends Error {
  override readonly name = 'ColumnsError';
  /** Without a value where the rule tells it already. */
  constructor(path: string, rule: string, ...value: [unknown?]) {
    super(`${path}: ${rule}${value.length === 0 ? '' : `, was ${showValue(value[0])}`}`);
  }
}

export type Contents = Omit<ColumnsHeader, 'columns'> & { readonly columns: Readonly<Record<string, ColumnArray>> };

/** The same contents give the same bytes. */
export function encodeColumns({ kind, instrument, origins, facts, columns }: Contents, crc32: Crc32): Uint8Array {
  const arrays = Object.entries(columns);
  // Offsets stand in the header, and its length decides them: their digits settle within a few rounds.
  let header = new Uint8Array(0);
  let entries: ColumnEntry[] = [];
  for (let start = -1; start !== bodyStart(header);) {
    start = bodyStart(header);
    entries = layOut(arrays, start);
    const text = JSON.stringify({ kind, instrument, origins, facts, columns: entries } satisfies ColumnsHeader);
    header = new TextEncoder().encode(text);
  }
  const last = entries.at(-1);
  const bytes = new Uint8Array(last === undefined ? bodyStart(header) : endOf(last));
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, COLUMNS_VERSION, true);
  view.setUint32(12, header.length, true);
  bytes.set(header, PREFIX_BYTES);
  arrays.forEach(([, array], index) => {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), entries[index]!.offset);
  });
  view.setUint32(CRC_OFFSET, crc32(bytes.subarray(CRC_OFFSET + 4)), true);
  return bytes;
}

/** Columns of a file that was found whole. */
export class ColumnsFile {
  readonly header: ColumnsHeader;
  readonly path: string;
  private readonly bytes: Uint8Array;

  /** Throws `ColumnsError`. The arrays that it hands out are views of `bytes`. */
  constructor(bytes: Uint8Array, path: string, crc32: Crc32) {
    // A view of doubles begins at a multiple of its size; a small file read by Node may not.
    this.bytes = bytes.byteOffset % ALIGNMENT === 0 ? bytes : bytes.slice();
    this.path = path;
    this.header = readHeader(this.bytes, path, crc32);
  }

  /** Throws `ColumnsError` when there is none of that name and type. */
  column<T extends ColumnType>(name: string, type: T): ArrayOf[T] {
    const entry = this.header.columns.find((each) => each.name === name);
    if (entry?.type !== type) {
      throw new ColumnsError(this.path, `columns.${name}: expected a column of type ${type}`, entry?.type);
    }
    return new ARRAYS[type](this.bytes.buffer as ArrayBuffer, this.bytes.byteOffset + entry.offset, entry.count);
  }

  /** Throws `ColumnsError` when it is not stated. */
  fact(name: string): number {
    const value = this.header.facts[name];
    if (value === undefined) throw new ColumnsError(this.path, `facts.${name}: expected a number`, value);
    return value;
  }
}

const ARRAYS: { readonly [T in ColumnType]: new (buffer: ArrayBuffer, offset: number, count: number) => ArrayOf[T] } = {
  f64: Float64Array,
  i32: Int32Array,
  u32: Uint32Array,
  u8: Uint8Array,
};
const BYTES_EACH: Readonly<Record<ColumnType, number>> = { f64: 8, i32: 4, u32: 4, u8: 1 };

function readHeader(bytes: Uint8Array, path: string, crc32: Crc32): ColumnsHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = new TextDecoder('latin1').decode(bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC || bytes.length < PREFIX_BYTES) {
    throw new ColumnsError(path, `magic: expected a file that begins with ${MAGIC}`, magic);
  }
  const version = view.getUint32(8, true);
  if (version !== COLUMNS_VERSION) throw new ColumnsError(path, `version: expected ${COLUMNS_VERSION}`, version);
  const crc = crc32(bytes.subarray(CRC_OFFSET + 4));
  const stated = view.getUint32(CRC_OFFSET, true);
  if (crc !== stated) throw new ColumnsError(path, `checksum: expected the stated ${hex(stated)}`, hex(crc));
  const text = new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + view.getUint32(12, true)));
  const raw = parsed(text);
  const header = ColumnsHeader.safeParse(raw);
  if (!header.success) throw new ColumnsError(path, `header: ${describeFaults(header.error, raw)}`);
  for (const column of header.data.columns) {
    if (column.offset % ALIGNMENT !== 0) {
      throw new ColumnsError(path, `columns.${column.name}.offset: expected a multiple of 8`, column.offset);
    }
    if (endOf(column) > bytes.length) {
      throw new ColumnsError(path, `columns.${column.name}: expected ${endOf(column)} bytes of file`, bytes.length);
    }
  }
  return header.data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function layOut(arrays: readonly (readonly [string, ColumnArray])[], start: number): ColumnEntry[] {
  let offset = start;
  return arrays.map(([name, array]) => {
    const entry = { name, type: typeOf(array), count: array.length, offset };
    offset = aligned(endOf(entry));
    return entry;
  });
}

function typeOf(array: ColumnArray): ColumnType {
  if (array instanceof Float64Array) return 'f64';
  if (array instanceof Int32Array) return 'i32';
  return array instanceof Uint32Array ? 'u32' : 'u8';
}

function bodyStart(header: Uint8Array): number {
  return aligned(PREFIX_BYTES + header.length);
}

function endOf({ type, count, offset }: ColumnEntry): number {
  return offset + count * BYTES_EACH[type];
}

function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

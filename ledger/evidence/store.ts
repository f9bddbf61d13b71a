/**
 * The evidence chain in Postgres. Appenders of all processes take turns by an advisory lock, and each draft is appended once
 * whatever becomes of the connection; the table itself refuses a fork, a gap and a wrong hash.
 */
import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { ChainCheck, type ChainOptions } from '../../core/evidence/chain.ts';
import type { EvidenceHead, EvidenceRecord } from '../../core/evidence/record.ts';
import { EvidenceDraft, faultOf, headOf, type EvidenceKind } from '../../core/evidence/record.ts'; // prettier-ignore
import { headerOf, sealRecord } from '../../core/evidence/seal.ts';
import { faultLine } from '../../core/faults.ts';
import type { Log } from '../../core/log.ts';
import { withClient } from '../connect.ts';
import { LedgerUnavailable } from '../errors.ts';
import { SafeInt } from '../rows.ts';
import type { EvidenceChainVerdict } from './export.ts';
import { canonicalText, hashOf } from './hash.ts';
import { keepHead } from './heads-file.ts';
import { recordOf, StoredEvidence, storedFault } from './stored.ts';

/** Evidence is figures; what they were made of lies in the event store. */
export const PAYLOAD_BYTES_MAX = 1024 * 1024;
const PAGE_RECORDS = 500;
/** Everybody who appends waits for it. */
const APPEND_LOCK = 'evidence';

/** A draft that is no evidence: path, rule and value. Trying again is of no use. */
export class EvidenceMalformed extends Error {
  override readonly name = 'EvidenceMalformed';
}

export interface EvidenceStoreOptions {
  /** Of `createPool`, in the role `desk_writer`, or `desk_reader` where nothing is appended. */
  readonly pool: Pool;
  /** Where every appended head is kept, too: see `heads-file.ts`. Null where nothing is appended. */
  readonly headsFile: string | null;
  readonly log: Log;
}

export interface EvidenceFilter {
  readonly kind?: EvidenceKind;
  readonly subject?: string;
  /** Records with a smaller number only. */
  readonly before?: number;
  readonly limit: number;
}

export interface EvidenceStore {
  /**
   * Idempotent by `key`: the first draft of a key is appended, and what comes back is always the stored record. Throws
   * `EvidenceMalformed`; `LedgerUnavailable`, or what the disk says of the heads' file: then the same draft may be tried again.
   */
  append(draft: EvidenceDraft): Promise<EvidenceRecord>;
  /** The last record's; null before the first. */
  head(): Promise<EvidenceHead | null>;
  /** Newest first. */
  list(filter: EvidenceFilter): Promise<EvidenceRecord[]>;
  /** By number or hash. */
  get(numberOrHash: number | string): Promise<EvidenceRecord | null>;
  /** The release that the code was recorded as, newest first; null before `./desk evidence manifest`. */
  releaseOf(codeVersion: string): Promise<string | null>;
  /** Numbers from `from` to `to`, both included, in order, page by page, as they are stored: nothing is checked. */
  pages(range?: { from?: number; to?: number }): AsyncGenerator<readonly StoredEvidence[]>;
  /** The whole table against itself and against heads that were kept elsewhere. */
  verify(options: Pick<ChainOptions, 'keptHeads'>): Promise<EvidenceChainVerdict>;
}

const HeadRow = z.object({ number: SafeInt, hash: z.string() });
const COLUMNS = 'number, record, payload_text, hash';

export function createEvidenceStore({ pool, headsFile, log }: EvidenceStoreOptions): EvidenceStore {
  async function rows<T>(schema: z.ZodType<T>, sql: string, values: readonly unknown[] = []): Promise<T[]> {
    return withClient(pool, async (client) => z.array(schema).parse((await client.query(sql, [...values])).rows));
  }

  async function appendOnce(client: PoolClient, draft: EvidenceDraft): Promise<EvidenceRecord> {
    await client.query('select pg_advisory_xact_lock(hashtext($1))', [APPEND_LOCK]);
    const known = await client.query(`select ${COLUMNS} from evidence where key = $1`, [draft.key]);
    if (known.rows.length > 0) return recordOf(StoredEvidence.parse(known.rows[0]));
    const last = await client.query('select number, hash from evidence order by number desc limit 1');
    const record = sealRecord(draft, last.rows.length === 0 ? null : HeadRow.parse(last.rows[0]), hashOf);
    await refuseUnknownRelease(client, record);
    await client.query('insert into evidence (key, record, payload_text, hash) values ($1, $2, $3, $4)', [
      draft.key,
      canonicalText(headerOf(record)),
      canonicalText(record.payload),
      record.hash,
    ]);
    return record;
  }

  async function append(raw: EvidenceDraft): Promise<EvidenceRecord> {
    const draft = parseDraft(raw);
    let commits = false;
    const transact = (): Promise<EvidenceRecord> =>
      withClient(pool, async (client) => {
        await client.query('begin');
        const appended = await appendOnce(client, draft);
        commits = true;
        await client.query('commit');
        return appended;
      });
    let record: EvidenceRecord;
    try {
      record = await transact();
    } catch (error) {
      if (!commits || !(error instanceof LedgerUnavailable)) throw error;
      // The connection went during the commit. A second run finds the key if that commit came through: it waits for the
      // lock, which a commit on its way still holds.
      log.warn('commit of evidence with unknown outcome, looked up', { kind: draft.kind, key: draft.key });
      record = await transact();
    }
    if (headsFile !== null) keepHead(headsFile, headOf(record));
    return record;
  }

  async function* pages({ from = 1, to = Number.MAX_SAFE_INTEGER } = {}): AsyncGenerator<readonly StoredEvidence[]> {
    for (let next = from; next <= to;) {
      const page = await rows(
        StoredEvidence,
        `select ${COLUMNS} from evidence where number between $1 and $2 order by number limit ${PAGE_RECORDS}`,
        [next, to],
      );
      if (page.length > 0) yield page;
      if (page.length < PAGE_RECORDS) return;
      next = page.at(-1)!.number + 1;
    }
  }

  return {
    append,
    async head() {
      const [last] = await rows(HeadRow, 'select number, hash from evidence order by number desc limit 1');
      return last ?? null;
    },
    async list({ kind, subject, before, limit }) {
      const found = await rows(
        StoredEvidence,
        `select ${COLUMNS} from evidence
         where ($1::text is null or kind = $1) and ($2::text is null or subject = $2) and ($3::bigint is null or number < $3)
         order by number desc limit $4`,
        [kind ?? null, subject ?? null, before ?? null, limit],
      );
      return found.map(recordOf);
    },
    async get(numberOrHash) {
      const column = typeof numberOrHash === 'number' ? 'number' : 'hash';
      const [found] = await rows(StoredEvidence, `select ${COLUMNS} from evidence where ${column} = $1`, [
        numberOrHash,
      ]);
      return found === undefined ? null : recordOf(found);
    },
    async releaseOf(codeVersion) {
      const [found] = await rows(
        z.object({ payload_hash: z.string() }),
        `select payload_hash from evidence where kind = 'release_manifest' and record::jsonb ->> 'codeVersion' = $1
         order by number desc limit 1`,
        [codeVersion],
      );
      return found?.payload_hash ?? null;
    },
    pages,
    async verify(options) {
      const chain = new ChainCheck(hashOf, options);
      for await (const page of pages()) {
        for (const stored of page) {
          const fault = storedFault(chain, stored);
          if (fault !== null) return { ok: false, records: chain.records, fault };
        }
      }
      const fault = chain.end();
      return fault === null
        ? { ok: true, records: chain.records, after: null, head: chain.head }
        : { ok: false, records: chain.records, fault };
    },
  };
}

function parseDraft(raw: EvidenceDraft): EvidenceDraft {
  const fault = faultOf(EvidenceDraft, raw);
  if (fault !== null) throw new EvidenceMalformed(faultLine(fault));
  const bytes = Buffer.byteLength(canonicalText(raw.payload));
  if (bytes > PAYLOAD_BYTES_MAX)
    throw new EvidenceMalformed(`payload: expected at most ${PAYLOAD_BYTES_MAX} bytes, was ${bytes}`);
  return EvidenceDraft.parse(raw);
}

/** A release id means a manifest that anybody can look up; a manifest's record names itself. */
async function refuseUnknownRelease(
  client: PoolClient,
  { kind, releaseId, payloadHash }: EvidenceRecord,
): Promise<void> {
  if (releaseId === null || (kind === 'release_manifest' && releaseId === payloadHash)) return;
  const { rows } = await client.query(
    `select from evidence where kind = 'release_manifest' and payload_hash = $1 limit 1`,
    [releaseId],
  );
  if (rows.length === 0)
    throw new EvidenceMalformed(`releaseId: expected the id of a recorded release manifest, was ${releaseId}`);
}

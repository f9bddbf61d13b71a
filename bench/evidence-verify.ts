/**
 * An export of the evidence chain verified from its bytes: schema, canonical text, both hashes, links, head and index page.
 * Beside it, in the same run: bare SHA-256 over the same bytes, a record at a time, and JSON.parse of the same lines.
 */
import { createHash } from 'node:crypto';
import type { EvidenceDraft, EvidenceRecord } from '../core/evidence/record.ts';
import { headOf } from '../core/evidence/record.ts';
import { sealRecord } from '../core/evidence/seal.ts';
import { exportOf, verifyExport } from '../ledger/evidence/export.ts';
import { canonicalText, hashOf } from '../ledger/evidence/hash.ts';
import { median, ratio, report, rounded } from './support/figures.ts';

const RECORDS = Number(process.env['BENCH_EVENTS'] ?? 20_000);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
const BOTS = 8;
const T0 = Date.UTC(2026, 0, 1);

/** An integrity report of a desk with eight bots. */
function draftOf(n: number): EvidenceDraft {
  const bots = Array.from({ length: BOTS }, (_, bot) => `bot${bot + 1}`);
  return {
    key: `bench/${n}`,
    kind: 'event_store_integrity',
    subject: 'local',
    atMs: T0 + n * 900_000,
    workflow: { id: 'event-store-integrity', runId: '0195e1d2-0000-7000-8000-000000000001', atMs: T0 + n * 900_000 },
    range: {
      fromMs: T0,
      toMs: T0 + n * 900_000,
      sources: bots.map((source) => ({ source, fromSequence: 1, toSequence: 1_000 + n })),
    },
    venue: 'bitget',
    account: null,
    dataSource: 'live',
    rehearsal: [],
    codeVersion: 'd8239e7a1b2c',
    configHash: hashOf('configuration'),
    releaseId: null,
    payload: {
      gaps: 0,
      missingCorrelation: 0,
      deltaMax: n % 5,
      bots: bots.map((bot) => ({ bot, source: 1_000 + n, stored: 1_000 + n, lagMs: n / 7 })),
    },
  };
}

const records: EvidenceRecord[] = [];
for (let n = 0; n < RECORDS; n += 1)
  records.push(sealRecord(draftOf(n), n === 0 ? null : headOf(records[n - 1]!), hashOf));
const files = exportOf(records, null);
const lines = records.map((record) => Buffer.from(canonicalText(record)));

const ways: Readonly<Record<'verify' | 'sha256' | 'parse', () => void>> = {
  verify: () => {
    const verdict = verifyExport(files);
    if (!verdict.ok || verdict.records !== RECORDS) throw new Error(`expected ${RECORDS} good records`);
  },
  sha256: () => {
    for (const line of lines) createHash('sha256').update(line).digest('hex');
  },
  parse: () => {
    for (const line of lines) JSON.parse(line.toString());
  },
};
const tookMs = { verify: [] as number[], sha256: [] as number[], parse: [] as number[] };
// By turns, so that whatever else the machine does hits them alike; the first turn warms up.
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const name of ['verify', 'sha256', 'parse'] as const) {
    const startedAt = performance.now();
    ways[name]();
    if (round > 0) tookMs[name].push(performance.now() - startedAt);
  }
}
const perSecond = (name: keyof typeof ways): number => Math.round((RECORDS / median(tookMs[name])) * 1_000);
report('evidence-verify', {
  records: RECORDS,
  bytesPerRecord: Math.round(files.records.length / RECORDS),
  rounds: ROUNDS,
  verified: {
    perSecond: perSecond('verify'),
    mbPerSecond: rounded(files.records.length / median(tookMs.verify) / 1_000, 1),
  },
  limits: { bareSha256PerSecond: perSecond('sha256'), jsonParsePerSecond: perSecond('parse') },
  ratios: {
    verifiedOfBareSha256: ratio(perSecond('verify'), perSecond('sha256')),
    verifiedOfJsonParse: ratio(perSecond('verify'), perSecond('parse')),
  },
});

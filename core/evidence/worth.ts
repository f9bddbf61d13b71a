/** What evidence may be used for. Where it came from decides; what it says is judged elsewhere. */
import type { DataSource, EvidenceRecord } from './record.ts';

/**
 * `rehearsal`: gates among themselves, with nothing to win. The others are leases to trade: on the simulator, on the venue's
 * demo, with real money.
 */
export const PURPOSES = ['rehearsal', 'simulator_lease', 'demo_lease', 'live_lease'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** Workflow time and the clocks of hosts agree to within this, or somebody skips time (the desk's rule for soaks). */
export const CLOCKS_AGREE_MS = 5_000;

interface Terms {
  /** As real as what it earns, or more. A bot on paper in the live market leaves `live` evidence: so a first live lease can be earned. */
  readonly sources: readonly DataSource[];
  readonly takesRehearsals: boolean;
  /** Orders leave for somebody else's exchange: the code has to be a commit that can be fetched again. */
  readonly isRealVenue: boolean;
}

const TERMS: Readonly<Record<Purpose, Terms>> = {
  rehearsal: { sources: ['simulator', 'recorded', 'demo', 'live'], takesRehearsals: true, isRealVenue: false },
  simulator_lease: { sources: ['simulator', 'recorded', 'demo', 'live'], takesRehearsals: false, isRealVenue: false },
  demo_lease: { sources: ['demo', 'live'], takesRehearsals: false, isRealVenue: true },
  live_lease: { sources: ['live'], takesRehearsals: false, isRealVenue: true },
};

export type Unworthy = 'data_source' | 'rehearsal' | 'time_skipped' | 'uncommitted_code' | 'no_release';

export type Worth =
  { readonly worthy: true } | { readonly worthy: false; readonly reasons: readonly [Unworthy, ...Unworthy[]] };

type Origin = Pick<EvidenceRecord, 'dataSource' | 'rehearsal' | 'workflow' | 'atMs' | 'codeVersion' | 'releaseId'>;

/** Every reason why not, in a fixed order. */
export function worthFor(
  purpose: Purpose,
  { dataSource, rehearsal, workflow, atMs, codeVersion, releaseId }: Origin,
): Worth {
  const terms = TERMS[purpose];
  const reasons: Unworthy[] = [];
  if (!terms.sources.includes(dataSource)) reasons.push('data_source');
  if (!terms.takesRehearsals) {
    if (rehearsal.length > 0) reasons.push('rehearsal');
    // Behind is a late retry; ahead of the host's clock a workflow cannot be.
    if (workflow !== null && !(workflow.atMs - atMs <= CLOCKS_AGREE_MS)) reasons.push('time_skipped');
  }
  if (terms.isRealVenue) {
    if (!/^[0-9a-f]{7,64}$/.test(codeVersion)) reasons.push('uncommitted_code');
    if (releaseId === null) reasons.push('no_release');
  }
  const [first, ...others] = reasons;
  return first === undefined ? { worthy: true } : { worthy: false, reasons: [first, ...others] };
}

export type Lease = Exclude<Purpose, 'rehearsal'>;

/** Whether `record` may be among what earns a lease on its venue. Only a lease on the simulator can come from a simulator or a recording. */
export function mayEarnLease(lease: Lease, record: Origin): boolean {
  return worthFor(lease, record).worthy;
}

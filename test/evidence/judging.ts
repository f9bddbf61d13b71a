/** The same evidence, handed in differently each time, and what a gate says of it. */
import type { EvidenceDraft } from '../../core/evidence/record.ts';
import { createChance } from '../../core/simulation/chance.ts';
import { chainOf, draft, HOUR_MS, resealed, T0 } from '../core/evidence/builders.ts';
import { CYCLE_DRAFTS, cycleRecords, ITEMS, judge, keptHeadsOf, NOW_MS, WANTED } from './cycle.ts';

type Chance = () => number;
const pick = <T>(all: readonly T[], chance: Chance): T => all[Math.floor(chance() * all.length)]!;

const CHANGES: readonly ((good: EvidenceDraft, chance: Chance) => Partial<EvidenceDraft>)[] = [
  (_, chance) => ({ atMs: T0 + Math.floor((chance() - 0.5) * 4 * HOUR_MS) }),
  () => ({ subject: 'bot2' }),
  () => ({ dataSource: 'recorded', rehearsal: ['scenario', 'Überschuß'] }),
  () => ({ codeVersion: 'İstanbul'.replace('İ', 'I') }),
  (_, chance) => ({ payload: { passed: chance() > 0.5, deltaMax: chance() * 10, missing: 0, z: 1, ä: 2, a: { z: 1, b: [2, { y: 1, x: 2 }] } } }), // prettier-ignore
  ({ range }) => ({ range: { ...range, sources: [] } }),
];

/** Evidence of the `trial`th set: some good, some bad, some that is no evidence at all. */
function evidenceOf(trial: number): { records: unknown[]; heads: ReturnType<typeof keptHeadsOf> } {
  const chance = createChance(trial);
  if (trial % 5 === 0) return { records: cycleRecords(), heads: keptHeadsOf(cycleRecords()) };
  const drafts = CYCLE_DRAFTS.map((good) => (chance() < 0.3 ? { ...good, ...pick(CHANGES, chance)(good, chance) } : good)); // prettier-ignore
  const more = Array.from({ length: Math.floor(chance() * 6) }, (_, n) => draft({ key: `more${n}`, kind: pick(ITEMS, chance), atMs: T0 + 100 + n })); // prettier-ignore
  const chain = chainOf([...drafts, ...more]);
  const records: unknown[] = chance() < 0.2 ? chain.slice(1) : [...chain];
  const heads = keptHeadsOf(chain).filter(() => chance() < 0.8);
  const last = chain.at(-1)!;
  if (chance() < 0.3) records.push({ ...last, z: 1, a: 2, é: 3, range: { b: 1, a: [{ d: 1, c: 2 }] } });
  if (chance() < 0.2) records.push({ ...last, payload: { b: Number.NaN, a: -Infinity } }, null, 'evidence');
  if (chance() < 0.2) records.push({ ...last, z: 1, a: 2 }, { ...last, kind: { b: 1, a: 2 } });
  if (chance() < 0.2) records.push({ ...last, atMs: last.atMs - 2 * HOUR_MS });
  // One that is whole in itself, and older: which of the two is taken must not depend on which came first.
  if (chance() < 0.4) records.push(resealed(last, { atMs: last.atMs - 2 * HOUR_MS, venue: `v${trial}` }));
  return { records, heads };
}

/** The verdict in full on the `trial`th set, its parts and their keys in an order that `seed` chooses. */
export function verdictText(trial: number, seed: number): string {
  const chance = createChance(seed);
  const { records, heads } = evidenceOf(trial);
  // Some come twice, as a read that was repeated leaves them.
  const doubled = records.filter(() => chance() < 0.1);
  const wanted = shuffled(WANTED.filter((_, n) => trial % 7 !== 0 || n % 2 === 0), chance).map((wish) => ({ ...wish, sources: shuffled(wish.sources, chance) })); // prettier-ignore
  const handed = shuffled([...records, ...doubled], chance).map((record) => turned(record, chance));
  return JSON.stringify(judge(handed, shuffled(heads, chance), { wanted, nowMs: NOW_MS + trial }));
}

function shuffled<T>(all: readonly T[], chance: Chance): T[] {
  const left = [...all];
  return all.map(() => left.splice(Math.floor(chance() * left.length), 1)[0]!);
}

/** The same value with its keys in another order, all the way down. */
function turned(value: unknown, chance: Chance): unknown {
  if (Array.isArray(value)) return value.map((each) => turned(each, chance));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(shuffled(Object.entries(value), chance).map(([key, each]) => [key, turned(each, chance)]));
}

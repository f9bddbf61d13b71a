/**
 * What the Day-2 gate has to say about a scenario, found another way than the gate finds it: every event is listed with the
 * second in which it was written and stored, and every evaluation is judged by looking back over the whole time line. Nothing
 * is carried from one evaluation to the next. It is what the gate's tests and rehearsals are held against.
 *
 * The clocks agree, as they do in a scenario.
 */
import type { Scenario } from './scenario.ts';
import type { Day2Rules } from './rules.ts';

/** Said from `fromS` on, until the next one begins. */
export interface OracleSpan {
  readonly fromS: number;
  readonly isGo: boolean;
  readonly elapsedS: number;
}

/** One look at the sources, or a try at one. */
interface Look {
  readonly atS: number;
  readonly kind: 'evaluation' | 'failure' | 'anchor';
}

/** Evaluations at `evaluationsAtS`, rising; at the same second they come before what operators do. */
export function oracleOf(scenario: Scenario, evaluationsAtS: readonly number[], rules: Day2Rules): OracleSpan[] {
  const looks = looksOf(scenario, evaluationsAtS);
  const worlds = scenario.sources.map((one) => worldOf(scenario, one, looks.at(-1)?.atS ?? 0));
  const anchorOf = looks.map((_, at) => lastUpTo(at, (one) => looks[one]!.kind === 'anchor'));
  const isMeasured = (at: number): boolean => anchorOf[at]! >= 0 && looks[at]!.kind !== 'failure';
  /** The last measurement before this one, of the same baseline, of which `isIt` is true; -1 where there is none. */
  const lastBefore = (at: number, isIt: (one: number) => boolean): number => {
    const found = lastUpTo(at - 1, (one) => one < anchorOf[at]! || (isMeasured(one) && isIt(one)));
    return found < anchorOf[at]! ? -1 : found;
  };
  const isSeen = worlds.map((world) => looks.map(({ atS }) => world.isSeen(atS)));

  /** No source is missing that was there since the baseline. */
  const isWhole = looks.map((_, at) => worlds.every((_one, of) => isSeen[of]![at] || lastBefore(at, (one) => isSeen[of]![one]!) < 0)); // prettier-ignore
  const rangeFromS = looks.map(({ atS }, at) => looks[lastBefore(at, (one) => isWhole[one]!)]?.atS ?? atS);

  const isGood = looks.map(({ atS }, at) => {
    if (!isMeasured(at) || !isWhole[at]) return false;
    const anchor = anchorOf[at]!;
    const there = worlds.filter((_, of) => isSeen[of]![at]);
    const isSound = (world: World): boolean => {
      const seen = isSeen[worlds.indexOf(world)]!;
      const begin = seen.indexOf(true, anchor);
      const atBaseline = begin === anchor ? world.unaccounted(looks[anchor]!.atS) : 0;
      return (
        world.silentS(atS) * 1_000 <= rules.silentMsMax &&
        Math.abs(world.unaccounted(atS) - atBaseline) <= rules.deltaTolerance &&
        !world.lacks(rangeFromS[at]!, atS) &&
        world.uncorrelated(rangeFromS[begin]!, atS) === 0 &&
        (!world.isShort(atS) || lastBefore(at, (one) => seen[one]! && world.hasFallen(looks[one]!.atS, atS)) < 0)
      );
    };
    return there.length > 0 && there.every(isSound);
  });

  /** The first evaluation of the unbroken run that this one belongs to. */
  const startOf = (at: number): number => {
    const isJoined = (one: number): boolean => isGood[one - 1]! && (looks[one]!.atS - looks[one - 1]!.atS) * 1_000 <= rules.lateMsMax; // prettier-ignore
    return lastUpTo(at, (one) => one === anchorOf[at] || !isJoined(one));
  };
  const elapsedS = looks.map(({ atS }, at) => (isGood[at] ? atS - looks[startOf(at)]!.atS : 0));

  const lookAtS = looks.map(({ atS }) => atS);
  const overdueAfterS = Math.floor(rules.lateMsMax / 1_000);
  const holds = holdsOf(scenario);
  const turns = new Set([
    ...lookAtS.flatMap((atS) => [atS, atS + overdueAfterS + 1]),
    ...holds.map(({ fromS }) => fromS),
  ]);
  return [...turns]
    .sort((a, b) => a - b)
    .map((fromS) => {
      const at = countUpTo(lookAtS, fromS) - 1;
      if (at < 0 || fromS - lookAtS[at]! > overdueAfterS) return { fromS, isGo: false, elapsedS: 0 };
      // A gate that was held when it was evaluated, or at any time since, waits for the next evaluation.
      const isHeld = holds.some((hold) => hold.fromS <= fromS && hold.toS >= lookAtS[at]!);
      const isGo = elapsedS[at]! * 1_000 >= rules.windowMs && !isHeld;
      return { fromS, isGo, elapsedS: elapsedS[at]! };
    });
}

/** The first measurement is the first baseline, unless an operator was earlier. */
function looksOf({ outages, actions }: Scenario, evaluationsAtS: readonly number[]): Look[] {
  const isAway = (second: number): boolean => outages.some(({ fromS, toS }) => fromS <= second && second < toS);
  const looks = [
    ...evaluationsAtS.map((atS): Look => ({ atS, kind: isAway(atS) ? 'failure' : 'evaluation' })),
    ...actions
      .filter(({ action, atS }) => action === 'reanchor' && !isAway(atS))
      .map(({ atS }): Look => ({ atS, kind: 'anchor' })),
  ].sort((a, b) => a.atS - b.atS);
  const first = looks.findIndex(({ kind }) => kind !== 'failure');
  return looks.map((look, at) => (at === first ? { ...look, kind: 'anchor' } : look));
}

/** A pause that follows on a pause, and a resume without one, change nothing. */
function holdsOf({ actions }: Scenario): { readonly fromS: number; readonly toS: number }[] {
  const told = actions.filter(({ action }) => action !== 'reanchor').sort((a, b) => a.atS - b.atS);
  const turns = told.filter(({ action }, at) => action !== (told[at - 1]?.action ?? 'resume'));
  return turns.flatMap(({ action, atS }, at) => (action === 'pause' ? [{ fromS: atS, toS: turns[at + 1]?.atS ?? Infinity }] : [])); // prettier-ignore
}

/** What can be asked about a source at a second. */
interface World {
  readonly isSeen: (atS: number) => boolean;
  readonly silentS: (atS: number) => number;
  /** In the journal, but neither in the store nor accepted as lost. */
  readonly unaccounted: (atS: number) => number;
  /** Whether an event of (fromS, atS] is missing. */
  readonly lacks: (fromS: number, atS: number) => boolean;
  /** Events without a correlation id that were stored in (fromS, atS]. */
  readonly uncorrelated: (fromS: number, atS: number) => number;
  readonly isShort: (atS: number) => boolean;
  /** Whether journal or store had more before. */
  readonly hasFallen: (beforeS: number, atS: number) => boolean;
}

function worldOf(
  scenario: Scenario,
  { source, everyS, fromS: bornS }: Scenario['sources'][number],
  endS: number,
): World {
  type Spanned = { readonly fromS: number; readonly toS: number };
  const during = <T extends Spanned>(all: readonly T[], second: number): T[] =>
    all.filter((one) => one.fromS <= second && second < one.toS && (!('source' in one) || one.source === source));
  const writtenAtS = Array.from({ length: Math.max(0, Math.floor((endS - bornS) / everyS) + 1) }, (_, at) => bornS + at * everyS)
    .filter((atS) => during(scenario.silences, atS).length === 0); // prettier-ignore
  const missingUntilS = writtenAtS.map((atS) => Math.max(-Infinity, ...during(scenario.gaps, atS).map(({ healedAtS }) => healedAtS ?? Infinity))); // prettier-ignore
  const arrivedAtS = writtenAtS.map((atS, at) =>
    Math.max(
      atS,
      missingUntilS[at]!,
      ...[...during(scenario.delays, atS), ...during(scenario.outages, atS)].map(({ toS }) => toS),
    ),
  );
  const rising = (all: readonly number[]): number[] => [...all].sort((a, b) => a - b);
  const storedAtS = rising(arrivedAtS);
  const uncorrelatedAtS = rising(
    arrivedAtS.filter((_, at) => during(scenario.uncorrelated, writtenAtS[at]!).length > 0),
  );
  const shortOf = (of: 'journal' | 'store', atS: number): number =>
    during(scenario.rollbacks, atS).reduce((sum, one) => sum + (one.of === of ? one.count : 0), 0);
  const journaled = (atS: number): number => Math.max(0, countUpTo(writtenAtS, atS) - shortOf('journal', atS));
  const stored = (atS: number): number => Math.max(0, countUpTo(storedAtS, atS) - shortOf('store', atS));
  const accepted = (atS: number): number =>
    scenario.acceptances.reduce((sum, one) => sum + (one.source === source && one.atS <= atS ? one.count : 0), 0);
  return {
    isSeen: (atS) => bornS <= atS && during(scenario.absences, atS).length === 0,
    silentS: (atS) => atS - (writtenAtS[countUpTo(writtenAtS, atS) - 1] ?? -Infinity),
    unaccounted: (atS) => journaled(atS) - stored(atS) - accepted(atS),
    lacks: (fromS, atS) =>
      missingUntilS.slice(countUpTo(writtenAtS, fromS), journaled(atS)).some((untilS) => untilS > atS),
    uncorrelated: (fromS, atS) => countUpTo(uncorrelatedAtS, atS) - countUpTo(uncorrelatedAtS, fromS),
    isShort: (atS) => during(scenario.rollbacks, atS).length > 0,
    hasFallen: (beforeS, atS) => journaled(beforeS) > journaled(atS) || stored(beforeS) > stored(atS),
  };
}

/** How many of `rising` are no more than `most`. */
function countUpTo(rising: readonly number[], most: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! <= most) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last index up to `at` of which `isIt` is true; -1 where there is none. */
function lastUpTo(at: number, isIt: (index: number) => boolean): number {
  let index = at;
  while (index >= 0 && !isIt(index)) index -= 1;
  return index;
}

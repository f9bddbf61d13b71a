/**
 * fast-check for mutation runs: each law tries the same few cases each time, so that a fault costs milliseconds and is found
 * or not found for the same reason on every machine. A law that falls is not shrunk: that it fell is all that is asked.
 */
import fc from 'fast-check';

const SEED = 20_240_809;
/** Set by the runner around a test that cannot do with fewer cases, as one that counts what its cases have met. */
export const lawsRun = { inFull: false };

/** A law that asks for many cases is cheap a case, and one that asks for few is not: each gets a tenth of what it asks for. */
const fewer = (asked) => (asked === undefined ? 50 : Math.min(100, Math.max(10, Math.ceil(asked / 10))));

export default {
  ...fc,
  assert: (property, parameters = {}) =>
    fc.assert(property, {
      ...parameters,
      numRuns: lawsRun.inFull ? (parameters.numRuns ?? 100) : fewer(parameters.numRuns),
      seed: SEED,
      endOnFailure: true,
    }),
};

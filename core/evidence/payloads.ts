/** Payloads of the evidence that people's commands make. */
import { z } from 'zod';
import { Sha256 } from './record.ts';

const Files = z.record(z.string(), Sha256);

/** What a release is made of. Its id, the release id of all evidence that this code collects, is the hash of this object. */
export const ReleaseManifest = z.strictObject({
  codeVersion: z.string(),
  /** Of `package-lock.json`: every package with its integrity. */
  packageLock: Sha256,
  /** What runs: hashes of the built files, by their path in the build. */
  bundles: Files,
  schemas: z.strictObject({
    evidence: z.int(),
    /** Hashes of the database's migrations, by name. */
    migrations: Files,
  }),
  configHash: Sha256,
});
export type ReleaseManifest = z.infer<typeof ReleaseManifest>;

/** Where counting starts: what was stored when a person said so. */
export const BaselineFreeze = z.strictObject({
  operator: z.string().min(1),
  reason: z.string().min(1),
  counts: z.array(
    z.strictObject({
      source: z.string(),
      stream: z.string(),
      events: z.int().nonnegative(),
      lastSequence: z.int().nonnegative(),
      lastAtMs: z.number(),
    }),
  ),
});
export type BaselineFreeze = z.infer<typeof BaselineFreeze>;

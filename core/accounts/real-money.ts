/**
 * What has to hold before orders may move real money: the configuration asks for it, the environment says so, and an arming
 * record is there. Today that is not enough: nothing can tell a good record from a bad one, so the answer is always no
 * (docs/decisions/0009-real-money-is-refused.md).
 */
export interface RealMoneyConditions {
  /** The endpoint is `live` and the bot's mode is `live`. */
  readonly isConfigured: boolean;
  /** Value of `DESK_LIVE`; absent is undefined. */
  readonly environment: string | undefined;
  /** Whether the bot has an arming record. */
  readonly isArmed: boolean;
}

export const REAL_MONEY_VARIABLE = 'DESK_LIVE';

/** Every reason why not; never empty today. `armingRecord` is where the bot's would be. */
export function refuseRealMoney(
  { isConfigured, environment, isArmed }: RealMoneyConditions,
  armingRecord: string,
): readonly [string, ...string[]] {
  const missing: string[] = [];
  if (!isConfigured) missing.push('the configuration does not ask for it (venue.endpoint: live and mode: live)');
  if (environment !== 'yes') {
    missing.push(
      `${REAL_MONEY_VARIABLE}: expected yes, was ${environment === undefined ? 'missing' : `"${environment}"`}`,
    );
  }
  if (!isArmed) missing.push(`${armingRecord}: expected an arming record, was missing`);
  const notOpen = 'nothing can verify an arming record yet: real money is not open, whatever else holds';
  return [...missing, notOpen] as unknown as readonly [string, ...string[]];
}

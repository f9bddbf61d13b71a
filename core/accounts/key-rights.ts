/**
 * What a venue's key may do besides trading, and whether live mode takes it. A key of the desk trades and reads; one that
 * can move money out, or that works from any address, turns a leak into a loss. A right that is not listed here is
 * refused: nobody has said that it is harmless.
 *
 * Codes are Bitget's own. Classic keys tell `authorities` of four letters (v2 spot account info), unified keys
 * `permissions` (v3 account info); both tell the IP list.
 */

/** Rights that live mode takes. Those to read end in `r`. */
const HARMLESS: ReadonlySet<string> = new Set([
  // Orders and positions of futures, spot and margin trading, copy trading.
  ...['coor', 'coow', 'cpor', 'cpow', 'stor', 'stow', 'smor', 'smow', 'ttor', 'ttow'],
  ...['copy_futures_position', 'copy_futures_order', 'uta_trade'],
  // Moves funds between wallets of the same user only, and without it no setting and no balance can be read.
  'uta_mgt',
  // Transfers, tax records, sub-accounts, P2P, pledged loans: what may be read of them; and tax records.
  ...['wtor', 'taxr', 'chor', 'p2pr', 'pllr', 'taxw'],
]);

/** Rights that live mode refuses, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  wwow: 'withdraw',
  wtow: 'transfer',
  chow: 'manage sub-accounts',
  p2p: 'trade P2P',
  p2pw: 'trade P2P',
  pllw: 'pledge coins for loans',
  withdraw: 'withdraw',
};

/** Of these a key has one, or it cannot do the desk's work. */
const TRADING: readonly string[] = ['coow', 'uta_trade'];

export interface KeyRights {
  readonly rights: readonly string[];
  /** Addresses from which the key works; none is any address. */
  readonly ips: readonly string[];
}

export interface KeyRefusal {
  readonly code: 'right_refused' | 'right_unknown' | 'no_ip_list' | 'may_not_trade';
  readonly message: string;
}

/** Why live mode refuses the key; empty is a key that it takes. */
export function judgeKeyRights({ rights, ips }: KeyRights): KeyRefusal[] {
  const refusals: KeyRefusal[] = [];
  for (const right of new Set(rights)) {
    if (HARMLESS.has(right)) continue;
    const may = Object.hasOwn(REFUSED, right) ? REFUSED[right] : undefined;
    if (may === undefined) {
      refusals.push({ code: 'right_unknown', message: `the key has the right "${right}", which nobody has judged` });
    } else refusals.push({ code: 'right_refused', message: `the key may ${may} (${right})` });
  }
  if (!rights.some((right) => TRADING.includes(right))) {
    refusals.push({ code: 'may_not_trade', message: 'the key may not trade futures' });
  }
  // An entry that allows every address is no list.
  if (ips.length === 0 || ips.some((ip) => /^(\*|0\.0\.0\.0(\/0)?|::(\/0)?)$/.test(ip))) {
    refusals.push({ code: 'no_ip_list', message: 'the key works from any address: bind it to a list of IPs' });
  }
  return refusals;
}

/**
 * What a venue's key may do besides trading, and whether live mode takes it. A key of the desk trades and reads; one that
 * can move money out, or that works from any address, turns a leak into a loss. A right that is not listed here is
 * refused: nobody has said that it is harmless.
 *
 * Codes are Bitget's own. Classic keys tell `authorities` of four letters (v2 spot account info), unified keys
 * `permissions` (v3 account info); both tell the IP list.
 */

/** Rights that live mode takes: what each lets its key do. */
const HARMLESS: Readonly<Record<string, string>> = {
  coor: 'read futures orders',
  coow: 'place futures orders',
  cpor: 'read futures positions',
  cpow: 'change futures positions',
  stor: 'read spot orders',
  stow: 'trade spot',
  smor: 'read margin orders',
  smow: 'trade on margin',
  ttor: 'read copied trades',
  ttow: 'trade for copiers',
  copy_futures_position: 'change positions for copiers',
  copy_futures_order: 'place orders for copiers',
  uta_trade: 'trade',
  // Moves funds between wallets of the same user only, and without it no setting and no balance can be read.
  uta_mgt: 'manage the account',
  wtor: 'read transfers',
  taxr: 'read tax records',
  taxw: 'write tax records',
  chor: 'read sub-accounts',
  p2pr: 'read P2P orders',
  pllr: 'read pledged loans',
};

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

/** `place futures orders (coow)`: what a right lets its key do, and the venue's word for it. */
export function rightText(right: string): string {
  const words = [HARMLESS, REFUSED].find((rights) => Object.hasOwn(rights, right))?.[right];
  return words === undefined ? `do what nobody has judged (${right})` : `${words} (${right})`;
}

/** Why live mode refuses the key; empty is a key that it takes. */
export function judgeKeyRights({ rights, ips }: KeyRights): KeyRefusal[] {
  const refusals: KeyRefusal[] = [];
  for (const right of new Set(rights)) {
    if (Object.hasOwn(HARMLESS, right)) continue;
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

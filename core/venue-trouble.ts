/**
 * What is wrong beyond the one call that was answered: `auth` (key, signature, permission or address refused), `clock`
 * (the venue finds our time wrong), `rate` (too many requests), `maintenance`, `mode` (the account's kind, position or
 * margin mode is another than the desk assumes).
 */
export type VenueTrouble = 'auth' | 'clock' | 'rate' | 'maintenance' | 'mode';

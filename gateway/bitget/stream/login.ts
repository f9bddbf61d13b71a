import { createHmac } from 'node:crypto';
import type { BitgetKeys } from '../redact.ts';

/** The message that logs a private socket in: HMAC-SHA256 of time, method and path, as the venue checks it within 30 s. */
export function loginMessage({ apiKey, secret, passphrase }: BitgetKeys, nowMs: number): string {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const sign = createHmac('sha256', secret).update(`${timestamp}GET/user/verify`).digest('base64');
  return JSON.stringify({ op: 'login', args: [{ apiKey, passphrase, timestamp, sign }] });
}

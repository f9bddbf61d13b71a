/** Who is calling: Bitget's HMAC signatures for REST requests and for the WebSocket login. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { SimulatedAccount } from '../../core/simulation/options.ts';
import { Refusal } from '../exchange/refusal.ts';

/** Bitget refuses requests whose time differs by more. */
export const TIMESTAMP_WINDOW_MS = 30_000;

export interface SignedRequest {
  readonly method: string;
  /** Path with query, as it came over the wire. */
  readonly target: string;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

/** Account name of a valid request. Throws `Refusal` with the venue's code otherwise. */
export function verifyRequest(
  request: SignedRequest,
  keys: ReadonlyMap<string, SimulatedAccount>,
  nowMs: number,
): string {
  const { headers } = request;
  const apiKey = header(headers, 'access-key');
  const sign = header(headers, 'access-sign');
  const timestamp = header(headers, 'access-timestamp');
  const passphrase = header(headers, 'access-passphrase');
  if (apiKey === '') throw new Refusal('40001', 'ACCESS_KEY cannot be empty');
  if (sign === '') throw new Refusal('40003', 'Signature cannot be empty');
  if (passphrase === '') throw new Refusal('40011', 'ACCESS_PASSPHRASE cannot be empty');
  if (!/^\d{13}$/.test(timestamp)) throw new Refusal('40005', 'Invalid ACCESS_TIMESTAMP');
  if (Math.abs(nowMs - Number(timestamp)) > TIMESTAMP_WINDOW_MS)
    throw new Refusal('40008', 'Request timestamp expired');
  const account = keys.get(apiKey);
  if (account === undefined) throw new Refusal('40006', 'Invalid ACCESS_KEY');
  const prehash = (target: string) => timestamp + request.method + target + request.body;
  const matches = (target: string) => equal(signatureOf(prehash(target), account.secret), sign);
  // Clients sign the query before or after they encode it; the venue takes both.
  if (!matches(request.target) && !matches(decoded(request.target))) throw new Refusal('40009', 'sign signature error');
  if (!equal(passphrase, account.passphrase)) throw new Refusal('40012', 'apikey/password is incorrect');
  return account.account;
}

export interface LoginArguments {
  readonly apiKey?: unknown;
  readonly passphrase?: unknown;
  /** Seconds. */
  readonly timestamp?: unknown;
  readonly sign?: unknown;
}

/** Account name of a valid WebSocket login. Throws `Refusal` with the socket's code otherwise. */
export function verifyLogin(login: LoginArguments, keys: ReadonlyMap<string, SimulatedAccount>, nowMs: number): string {
  const timestamp = text(login.timestamp);
  if (!/^\d{10}$/.test(timestamp)) throw new Refusal('30013', 'Invalid ACCESS_TIMESTAMP');
  if (Math.abs(nowMs - Number(timestamp) * 1_000) > TIMESTAMP_WINDOW_MS) {
    throw new Refusal('30014', 'Request timestamp expired');
  }
  const account = keys.get(text(login.apiKey));
  if (account === undefined) throw new Refusal('30011', 'Invalid ACCESS_KEY');
  if (!equal(signatureOf(`${timestamp}GET/user/verify`, account.secret), text(login.sign))) {
    throw new Refusal('30015', 'Invalid sign');
  }
  if (!equal(text(login.passphrase), account.passphrase)) throw new Refusal('30012', 'Invalid ACCESS_PASSPHRASE');
  return account.account;
}

export function signatureOf(prehash: string, secret: string): string {
  return createHmac('sha256', secret).update(prehash).digest('base64');
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function header(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

function equal(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}

function decoded(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    // A malformed escape was not signed in decoded form.
    return target;
  }
}

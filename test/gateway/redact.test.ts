import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRedact } from '../../gateway/bitget/redact.ts';

const KEYS = { apiKey: 'bg_canary0123456789', secret: 'canary/secret+with="chars&0', passphrase: 'canary pass phrase' };
const redact = createRedact(KEYS);
const b64 = (text: string): string => Buffer.from(text).toString('base64');
const hex = (text: string): string => Buffer.from(text).toString('hex');

test.each(Object.values(KEYS))('%s leaves in no form', (secret) => {
  for (const form of [secret, b64(secret), hex(secret), encodeURIComponent(secret), JSON.stringify({ at: secret })]) {
    const clean = redact(`before ${form} after ${form}`);
    expect(clean).toContain('[redacted]');
    for (const canary of [secret, b64(secret), hex(secret), encodeURIComponent(secret)]) {
      expect(clean).not.toContain(canary);
    }
  }
});

test('a request signature is taken out', () => {
  const clean = redact(`{"sign":"3MSIhXJSLYqoCJBjwSTJ8dxFJWVqYcmTEgoHGCr5oTw=","op":"login"}`);
  expect(clean).toBe('{"sign":"[redacted]","op":"login"}');
});

test('other text stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 30 }), (text) => {
      expect(redact(text)).toBe(text);
    }),
  );
});

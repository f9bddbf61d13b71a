/** Takes an account's secrets out of any text before it becomes a reason, an error or a log line. */
export type Redact = (text: string) => string;

export interface BitgetKeys {
  readonly apiKey: string;
  readonly secret: string;
  readonly passphrase: string;
}

/** Also finds each secret as base64, hex and URL-encoded, and any request signature. */
export function createRedact(keys: BitgetKeys): Redact {
  const forms = new Set<string>();
  for (const secret of [keys.apiKey, keys.secret, keys.passphrase]) {
    if (secret === '') continue;
    const bytes = Buffer.from(secret, 'utf8');
    const json = JSON.stringify(secret).slice(1, -1);
    for (const form of [
      secret,
      json,
      encodeURIComponent(secret),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      bytes.toString('hex'),
    ]) {
      forms.add(form);
    }
  }
  // Longest first: a short secret inside a longer one must not leave the rest of the longer one behind.
  const ordered = [...forms].sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const form of ordered) clean = clean.replaceAll(form, '[redacted]');
    return clean.replace(/(sign["']?\s*[:=]\s*["']?)[A-Za-z0-9+/=%]{40,}/gi, '$1[redacted]');
  };
}

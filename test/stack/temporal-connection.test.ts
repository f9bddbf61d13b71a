import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { temporalConnection, temporalEnv } from '../../stack/temporal-connection.ts';
import { tempDir } from './helpers.ts';

const dir = tempDir();
afterAll(() => rmSync(dir, { recursive: true }));

test('nothing set: the desk runs its own server', () => {
  expect(temporalConnection({})).toBeNull();
  expect(temporalConnection({ TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: 'other' })).toBeNull();
});

test('an address, with namespace and key', () => {
  const target = temporalConnection({
    TEMPORAL_ADDRESS: 'desk.example:7233',
    TEMPORAL_NAMESPACE: 'desk-live',
    TEMPORAL_API_KEY: 'k',
  });
  expect(target).toMatchObject({ address: 'desk.example:7233', namespace: 'desk-live' });
  expect(target?.connectionOptions).toMatchObject({ address: 'desk.example:7233', apiKey: 'k' });
  expect(target?.connectionOptions.tls).toBeTruthy();
});

test('what the desk hands to its children names the same server', () => {
  const target = temporalConnection(temporalEnv({ address: '127.0.0.1:1', namespace: 'default' }));
  expect(target).toMatchObject({ address: '127.0.0.1:1', namespace: 'default' });
});

test('a profile of a file', () => {
  const file = join(dir, 'temporal.toml');
  writeFileSync(file, '[profile.live]\naddress = "cloud.example:7233"\nnamespace = "desk"\n[profile.live.tls]\n');
  const target = temporalConnection({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'live' });
  expect(target).toMatchObject({ address: 'cloud.example:7233', namespace: 'desk' });
});

test('a profile that does not exist is an error that names it', () => {
  const file = join(dir, 'temporal.toml');
  writeFileSync(file, '[profile.live]\naddress = "cloud.example:7233"\n');
  const env = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'lve' };
  expect(() => temporalConnection(env)).toThrow(/TEMPORAL_PROFILE=lve/);
});

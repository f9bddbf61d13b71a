import { expect, test } from '@jest/globals';
import { createProbe, latestOf } from '../../console/probe.ts';

test('everyone who asks at once gets one answer', async () => {
  let asked = 0;
  const probe = createProbe({ ask: async () => (asked += 1), ttlMs: 60_000, patienceMs: 60_000 });
  const answers = await Promise.all([probe(), probe(), probe()]);
  expect(answers.map(latestOf)).toEqual([1, 1, 1]);
  expect(latestOf(await probe())).toBe(1);
});

test('a failure keeps the last answer and says why it is not new', async () => {
  let isThere = true;
  const ask = async (): Promise<string> => {
    if (!isThere) throw new Error('gone');
    return 'here';
  };
  const probe = createProbe({ ask, ttlMs: 0, patienceMs: 60_000 });
  await probe();
  isThere = false;
  expect(await probe()).toMatchObject({ state: 'failed', error: 'gone', last: { value: 'here' } });
  isThere = true;
  expect(await probe()).toMatchObject({ state: 'answered', value: 'here' });
});

test('nobody waits for one that hangs, and its late answer is taken', async () => {
  let arrive: (value: string) => void = () => {};
  const ask = (): Promise<string> => new Promise((resolve) => (arrive = resolve));
  const probe = createProbe({ ask, ttlMs: 60_000, patienceMs: 20 });
  expect(await probe()).toMatchObject({ state: 'failed', last: null });
  arrive('late');
  await new Promise((resolve) => setImmediate(resolve));
  expect(await probe()).toMatchObject({ state: 'answered', value: 'late' });
});

/** A bot that stopped itself and crashed: what its next process makes of that under other limits. */
import { afterAll, expect, test } from '@jest/globals';
import { Effects } from '../../core/bot/effects.ts';
import { reasonName } from '../../core/bot/reasons.ts';
import { heldSince } from '../../core/bot/risk-watch.ts';
import { RecordKind } from '../../core/events/record.ts';
import { recoverMachine, type Recovered } from '../../journal/recover-machine.ts';
import { recordBench, type RecordingBench } from '../support/bot-journal.ts';
import { botConfig, BTC } from '../support/bots.ts';
import { removeTempDirs, tempDir } from './helpers.ts';

afterAll(removeTempDirs);

function limits(marginRatioHard: number, halfSpreadBps = 2) {
  const { risk, strategy } = botConfig();
  return botConfig({ risk: { ...risk, marginRatioHard }, strategy: { ...strategy, halfSpreadBps } });
}

/** Killed a few seconds after the venue told of a margin ratio of 0.9. */
async function killed(marginRatioHard: number, before: (bench: RecordingBench) => void = () => {}): Promise<string> {
  const dir = tempDir();
  const bench = await recordBench(dir, { config: limits(marginRatioHard) });
  bench.run();
  bench.book(600_000, 600_001);
  bench.timer();
  bench.sync({ marginRatio: 0.9 });
  for (let second = 0; second < 3; second += 1) {
    bench.book(600_000 + second, 600_010);
    bench.timer();
  }
  before(bench);
  await bench.close();
  return dir;
}

/** Every event of the next process's first seconds. */
function begin({ machine }: Recovered): string[] {
  const effects = new Effects();
  const told: string[] = [];
  const { lastAtMs } = machine.state;
  const start = { kind: RecordKind.startInput, epoch: 8, configHash: '', codeVersion: '' } as const;
  const timer = { kind: RecordKind.timerInput } as const;
  const frame = machine.state.book;
  const inputs = [
    start,
    { kind: RecordKind.bookInput, book: { ...frame, bidCount: 5, askCount: 5 } } as const,
    timer,
    timer,
  ];
  inputs.forEach((input, index) => {
    machine.step({ ...input, sequence: 10_000 + index, atMs: lastAtMs + 1_000 + index * 1_000 }, effects);
    for (const effect of effects.list) if (effect.effect === 'record') told.push(effect.event.type);
  });
  return told;
}

test.each([
  ['higher', limits(1)],
  ['the same and quotes otherwise', limits(0.8, 3)],
])('its stop holds under limits that are %s', async (_name, config) => {
  const recovered = await recoverMachine(await killed(0.8), 1, config, BTC);
  const { state } = recovered.machine;
  expect(recovered.divergedAt).not.toBeNull();
  expect([state.hardStopped, state.risk.ladder.level, state.risk.ladder.code]).toEqual([true, 'hard_stop', 'margin_ratio_high']); // prettier-ignore
  expect(heldSince(state)).toBeGreaterThan(0);
  expect(begin(recovered)).not.toContain('kill_switch');
  expect(reasonName(state.reason)).toBe('hard_stopped');
});

test('one that a person lifted before the crash stays lifted', async () => {
  const dir = await killed(0.8, (bench) => {
    bench.sync({ marginRatio: 0.1 });
    bench.timer();
    const by = { operator: 'ada', reason: 'margin added' };
    bench.tell({ kind: RecordKind.controlInput, command: { command: 'approveRestart', ...by } }, 10);
  });
  const { machine } = await recoverMachine(dir, 1, limits(1), BTC);
  expect([machine.state.hardStopped, machine.state.risk.ladder.level]).toEqual([false, 'allow']);
});

test('one that only the new limits find is told and published by the new process, once', async () => {
  const recovered = await recoverMachine(await killed(1), 1, limits(0.8), BTC);
  expect(recovered.missing.events).toEqual([]);
  expect(begin(recovered).filter((type) => type === 'kill_switch')).toEqual(['kill_switch']);
  expect(recovered.machine.state.hardStopped).toBe(true);
});

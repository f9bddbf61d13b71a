/** A replay that leaves a bot's journal behind: every input and event, as the bot's process would have written them. */
import { mkdirSync, readdirSync } from 'node:fs';
import type { Log } from '../core/log.ts';
import { openJournal } from '../journal/journal.ts';
import { JournalRecorder } from './recorder.ts';
import { Replay, type ReplayOptions } from './replay.ts';
import type { ReplayResult } from './tally.ts';

/** Frames between two waits for the disk: what gathers meanwhile stays far below what a journal holds in memory. */
const FRAMES_PER_FLUSH = 5_000;

/** The folder is made when missing, and holds nothing yet: its sequences begin at 1. */
export async function replayIntoJournal(options: ReplayOptions, dir: string, log: Log): Promise<ReplayResult> {
  mkdirSync(dir, { recursive: true });
  const found = readdirSync(dir);
  if (found.length > 0) throw new Error(`${dir}: expected an empty folder for the replay's journal, was ${found[0]}`);
  const { journal } = await openJournal({ dir, log });
  try {
    const replay = new Replay({ ...options, recorder: new JournalRecorder(journal) });
    while (replay.play(FRAMES_PER_FLUSH)) await journal.durable();
    const result = replay.finish();
    await journal.durable();
    return result;
  } finally {
    await journal.close();
  }
}

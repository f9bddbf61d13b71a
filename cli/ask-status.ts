/** A bot's own status, asked over its control socket: what its workflow does not carry. */
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { botRunFile, type DeskHome } from '../config/home.ts';
import { BotRun, ControlResponse, type BotStatus } from '../core/control/protocol.ts';

const ANSWER_MS = 2_000;

/** Null when the bot does not run, or does not answer in time. */
export async function askStatus(home: DeskHome, bot: string): Promise<BotStatus | null> {
  const file = botRunFile(home, bot);
  if (!existsSync(file)) return null;
  try {
    const run = BotRun.parse(JSON.parse(readFileSync(file, 'utf8')));
    const answer = ControlResponse.parse(JSON.parse(await askOnce(run.socket)));
    // A recycled socket path never passes for the bot.
    return answer.ok && answer.status.bot === bot && answer.status.instance === run.instance ? answer.status : null;
  } catch {
    return null;
  }
}

function askOnce(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path, () => socket.write(`${JSON.stringify({ id: 1, command: 'status' })}\n`));
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`${path}: no answer`)));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`${path}: closed`)));
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (!text.endsWith('\n')) return;
      resolve(text);
      socket.end();
    });
  });
}

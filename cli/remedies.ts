/** What a person does about a bot that is not restarted any more. */
import pc from 'picocolors';

/** `reason` is the workflow's: it opens with the exit code when that alone decided. */
export function restartRemedy(bot: string, reason: string): string {
  const approve = `./desk bot approve ${bot} --reason ...`;
  if (reason.startsWith('exit code 3:'))
    return `see docs/runbooks/damaged-journal.md: ./desk bot accept-loss ${bot} --reason ..., then ${approve}`;
  if (reason.startsWith('exit code 2:')) return `put right what it names, then ${approve}`;
  if (reason.includes('the disk is full')) return `make room (docs/runbooks/full-disk.md), then ${approve}`;
  return `look at DESK_HOME/logs/bot-${bot}.log (docs/runbooks/given-up-bot.md), then ${approve}`;
}

/** Why a bot is not restarted any more, and what to do about it: a line each, the reason's own lines below its first. */
export function givenUp(bot: string, reason: string): string[] {
  return [pc.red(`${bot} is not restarted: ${reason.replaceAll('\n', '\n  ')}`), `  → ${restartRemedy(bot, reason)}`];
}

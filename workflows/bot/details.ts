/** The bot's status as the Temporal web UI shows it: a short Markdown text, always of now. */
import type { BotWorkflowStatus, Recorded } from './contract.ts';

function instant(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

function by(recorded: Recorded | null): string {
  return recorded === null ? '—' : `${recorded.operator}, ${instant(recorded.atMs)}: ${recorded.reason}`;
}

export function botDetails(status: BotWorkflowStatus): string {
  const process =
    status.pid === null
      ? 'not running'
      : `pid ${status.pid}, ${status.adopted ? 'adopted' : 'started'} (epoch ${status.epoch})`;
  const exit = status.lastExit;
  const lines = [
    `### ${status.bot}: ${status.phase.replaceAll('_', ' ')}`,
    `since ${instant(status.phaseSinceMs)} on host \`${status.host}\``,
    '',
    '| | |',
    '|---|---|',
    `| process | ${process} |`,
    `| paused | ${by(status.pausedBy)} |`,
    `| frozen | ${by(status.frozenBy)} |`,
    `| hard stop | ${by(status.hardStoppedBy)} |`,
    `| restarts | ${status.restarts} |`,
    `| last exit | ${exit === null ? '—' : `${exit.cause}, code ${exit.code ?? '—'}, signal ${exit.signal ?? '—'}`} |`,
  ];
  if (status.gaveUp !== null)
    lines.push(
      '',
      `**Not restarted:** ${status.gaveUp.reason.split('\n')[0]}. Approve with the update \`approveRestart\`.`,
    );
  return lines.join('\n');
}

/** The bot's status as the Temporal web UI shows it: a short Markdown text, always of now. */
import { LADDER } from '../../core/escalation/ladder.ts';
import type { BotWorkflowStatus, BotRisk, Recorded } from './contract.ts';

function instant(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

function by(recorded: Recorded | null): string {
  return recorded === null ? '—' : `${recorded.operator}, ${instant(recorded.atMs)}: ${recorded.reason}`;
}

/** Only what is worth a look: where everything is allowed there is nothing to tell. */
function riskLine(risk: BotRisk | null): string {
  if (risk === null || risk.level === 'allow') return '—';
  const since = risk.sinceMs === null ? '' : `, since ${instant(risk.sinceMs)}`;
  return `**${risk.level.replaceAll('_', ' ')}** (${risk.code ?? 'by a person'})${since}: ${LADDER[risk.level].meaning}`;
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
    `| risk level | ${riskLine(status.risk)} |`,
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

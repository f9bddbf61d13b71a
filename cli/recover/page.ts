/** What a recovery found, on one page, and the exit code that says it in a number. */
import Table from 'cli-table3';
import pc from 'picocolors';
import { findingRemedy, findingText, noteText, SOURCES_HEAD, sourceRows } from '../../core/recovery/report.ts';
import type { RestartFinding } from '../../core/recovery/verdict.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { restartRemedy } from '../remedies.ts';
import { diskLines, type DiskState } from './disk.ts';
import { isSettled, type BotHealth } from './health.ts';
import type { Judged } from './judge.ts';
import type { Recovery } from './run.ts';

export type RecoveryVerdict = 'recovered' | 'lost' | 'unhealthy';

/** Something is wrong, and what to do about it. */
interface Trouble {
  readonly text: string;
  readonly remedy: string;
}

const EXIT_OF: Readonly<Record<RecoveryVerdict, ExitCode>> = {
  recovered: EXIT.ok,
  lost: EXIT.failure,
  unhealthy: EXIT.unhealthy,
};

export function printRecovery(recovery: Recovery, output: string): ExitCode {
  const [unhealthy, lost] = [unhealthyParts(recovery), losses(recovery)];
  const verdict: RecoveryVerdict = unhealthy.length > 0 ? 'unhealthy' : lost.length > 0 ? 'lost' : 'recovered';
  if (output === 'json') {
    const told = (troubles: readonly Trouble[]): object[] => troubles.map(({ text, remedy }) => ({ text, remedy }));
    console.log(JSON.stringify({ v: 1, data: { verdict, unhealthy: told(unhealthy), lost: told(lost), ...recovery } }));
  } else console.log(pageLines(recovery, verdict, [...unhealthy, ...lost]).join('\n'));
  return EXIT_OF[verdict];
}

function pageLines(recovery: Recovery, verdict: RecoveryVerdict, troubles: readonly Trouble[]): string[] {
  const { disk, started, preSnapshot, health, judged } = recovery;
  const title: Record<RecoveryVerdict, string> = {
    recovered: pc.green(
      started
        ? 'recovered: the desk is up and nothing was lost'
        : 'the desk was running: nothing was started, nothing is lost',
    ),
    lost: pc.red('the desk is up, and something is lost or damaged'),
    unhealthy: pc.red('the desk is not healthy: a part does not come up'),
  };
  const { report, recorded } = judged ?? { report: null, recorded: null };
  return [
    title[verdict],
    ...troubles.flatMap(({ text, remedy }) => [
      `  ${pc.red('✗')} ${text.replaceAll('\n', '\n    ')}`,
      `    → ${remedy}`,
    ]),
    ...(report?.notes ?? []).map((note) => `  ${pc.yellow('·')} ${noteText(note)}`),
    ...(started || health === null ? ['', ...diskLines(disk)] : []),
    ...(health === null ? [] : ['', ...health.bots.map(botLine)]),
    ...(judged === null ? [] : ['', ...verdictTable(judged)]),
    '',
    ...(preSnapshot === null ? [] : [`before: ${preSnapshot}`]),
    ...(recorded === null
      ? []
      : [`after:  ${recorded.snapshot}`, `evidence ${recorded.evidence.number}, report ${recorded.report}`]),
    ...(health === null ? [] : ['it runs in the background: ./desk status, ./desk down']),
  ];
}

/** Of a comparison by hand. */
export function verdictLines(judged: Judged): string[] {
  const { report, recorded } = judged;
  return [
    report.pass ? pc.green('nothing was lost') : pc.red('something is lost or damaged'),
    ...report.findings.flatMap((one) => [`  ${pc.red('✗')} ${findingText(one)}`, `    → ${findingRemedy(one)}`]),
    ...report.notes.map((note) => `  ${pc.yellow('·')} ${noteText(note)}`),
    '',
    ...verdictTable(judged),
    recorded === null ? 'nothing is recorded' : `evidence ${recorded.evidence.number}, report ${recorded.report}`,
  ];
}

/** In the order of a start. */
export function willStart({ supervisor, running, postgres, temporal, journals }: DiskState): string[] {
  if (supervisor !== null) return [];
  const lostIntent = temporal === 'none' && journals.some(({ standing }) => (standing?.sequence ?? 0) > 0);
  const parts = [
    ...(postgres === 'elsewhere' || postgres === 'running' ? [] : ['Postgres']),
    ...(temporal === 'elsewhere' || running.includes('temporal') ? [] : ['Temporal']),
    'simulator (if the venue is one)',
    'desk worker',
    'bot host with the shipper',
    'console',
    lostIntent
      ? 'no bot: its Temporal database is gone, and with it who paused what'
      : 'the bots whose workflows want them',
  ];
  return parts;
}

function unhealthyParts({ startFault, lostIntent, health, judged, judgeFault }: Recovery): Trouble[] {
  if (startFault !== null)
    return [{ text: startFault, remedy: 'what it says; DESK_HOME/logs/up.log; docs/runbooks/after-a-crash.md' }];
  const parts = (health?.parts ?? []).flatMap(({ part, fault }) =>
    fault === null ? [] : [{ text: `${part}: ${fault}`, remedy: './desk doctor; DESK_HOME/logs/desk.log' }],
  );
  const bots = (lostIntent ? [] : (health?.bots ?? [])).flatMap((bot): Trouble[] => {
    if (bot.gaveUp !== null && !isDamage(bot))
      return [{ text: `${bot.bot} is not restarted: ${bot.gaveUp}`, remedy: restartRemedy(bot.bot, bot.gaveUp) }];
    if (isSettled(bot)) return [];
    return [{ text: `${bot.bot} does not come up (${bot.phase ?? 'its workflow does not answer'})`, remedy: `./desk bot show ${bot.bot}; DESK_HOME/logs/bot-${bot.bot}.log` }]; // prettier-ignore
  });
  const unread = judged === null ? judgeFault : judged.snapshot.storeUnread;
  const verdict = unread === null ? [] : [{ text: `there is no verdict: ${unread}`, remedy: './desk recover, again' }];
  return [...parts, ...bots, ...verdict];
}

function losses({ lostIntent, health, judged }: Recovery): Trouble[] {
  const findings: readonly RestartFinding[] = judged?.report.findings ?? [];
  const told = findings.map((one) => ({ text: findingText(one), remedy: findingRemedy(one) }));
  // Its journal is whole again by the finding's word: the bot still waits for a person.
  const waiting = (health?.bots ?? []).filter(
    (bot) => isDamage(bot) && !findings.some(({ code, source }) => code === 'journal_damaged' && source === bot.bot),
  );
  return [
    ...(lostIntent
      ? [
          {
            text: 'the Temporal database is gone: who was paused or frozen is not known any more, and no bot was started',
            remedy: 'docs/runbooks/lost-temporal-database.md, from step 3; then ./desk down, ./desk up',
          },
        ]
      : []),
    ...told,
    ...waiting.map(({ bot, gaveUp }) => ({
      text: `${bot} is not restarted: ${gaveUp}`,
      remedy: restartRemedy(bot, gaveUp ?? ''),
    })),
  ];
}

function isDamage({ gaveUp }: BotHealth): boolean {
  return gaveUp?.startsWith('exit code 3:') === true;
}

function botLine({ bot, phase, gaveUp, holds }: BotHealth): string {
  const why = gaveUp !== null ? 'its journal or its start needs a person' : holds.join('; ');
  return `${bot}: ${(phase ?? 'not answering').replaceAll('_', ' ')}${why === '' ? '' : ` (${why})`}`;
}

function verdictTable({ report }: Judged): string[] {
  const table = new Table({
    head: [...SOURCES_HEAD],
    colAligns: ['left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  table.push(...sourceRows(report));
  const known = report.before.map(({ what }) => what.replaceAll('_', ' '));
  const chain = report.chain?.ok === true ? `; evidence chain whole, ${report.chain.records} records` : '';
  return [
    ...table.toString().split('\n'),
    `held against: ${known.length === 0 ? 'nothing, for nothing was known' : known.join(', ')}${chain}`,
  ];
}

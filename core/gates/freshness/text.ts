/** What a check of market data found, as people read it. */
import { counted, heading, markdownOf, NOTHING, percent, sentence, type Part } from '../../reporting/document.ts';
import { exactInstant } from '../day2/status.ts';
import type { BotRow, FreshnessFinding, FreshnessReport, ListenerRow, StreamRow } from './judge.ts';

const STATES: Readonly<Record<BotRow['state'], string>> = {
  listening: 'listens',
  left: 'does not listen: it left in order',
  lost: 'does not listen: it ended without a word',
  untold: 'does not listen: nothing is known of it',
  unreadable: 'its journal is damaged: what it heard cannot be told',
  disabled: 'disabled by its configuration',
};

export function freshnessText({ code, symbol, stream, bot, measured, limit }: FreshnessFinding): string {
  const what = `${stream} of ${symbol}, as ${bot} heard it,`;
  const over = `${seconds(measured)}, allowed ${seconds(limit)}`;
  switch (code) {
    case 'no_streams':
      return 'no bot of this host is there to listen';
    case 'not_listened':
      return limit === 0
        ? `nobody listens to ${symbol}: ${seconds(measured)} of the range were not heard`
        : `nobody listened to ${symbol} for ${over}`;
    case 'never':
      return `${what} has said nothing since it is listened to: ${over}`;
    case 'stale':
      return `${what} is silent: ${over}`;
    case 'silent_too_long':
      return `${what} was silent: ${over}`;
    case 'venue_time_lags':
      return `${what} told what was old by the venue's clock: ${over}`;
    case 'covered_too_little':
      return `${what} was not fresh for ${over}`;
  }
}

export function freshnessMarkdown({ pass, fromMs, atMs, findings, bots, streams }: FreshnessReport): string {
  const parts: Part[] = [sentence(`Looked at ${exactInstant(fromMs)} to ${exactInstant(atMs)}.`)];
  for (const finding of findings) parts.push({ part: 'sentence', tone: 'bad', text: `${freshnessText(finding)}.` });
  parts.push(heading('Streams'), {
    part: 'table',
    head: ['stream', 'heard by', 'messages', 'newest', "by venue's clock", 'longest silence', 'from', 'fresh', 'lost'],
    rows: streams.flatMap(streamRows),
  });
  parts.push(heading('Bots'), {
    part: 'table',
    head: ['bot', 'symbol', 'told until', 'listened', 'connections anew', ''],
    rows: bots.map(({ bot, symbol, state, toldToMs, listenedMs, reconnects }) => [
      bot,
      symbol,
      toldToMs === null ? 'never' : exactInstant(toldToMs),
      seconds(listenedMs),
      `${reconnects}`,
      STATES[state],
    ]),
  });
  const title = `Market data: ${pass ? 'fresh' : counted(findings.length, 'finding')}`;
  return markdownOf({ title, parts }, () => '');
}

function streamRows({ symbol, stream, listeners }: StreamRow): string[][] {
  const name = `${symbol} ${stream}`;
  if (listeners.length === 0) return [[name, 'nobody', ...Array.from({ length: 7 }, () => NOTHING)]];
  return listeners.map((row) => [name, ...listenerCells(row)]);
}

function listenerCells(row: ListenerRow): string[] {
  const { bot, messages, ageMs, venueAgeMs, silentMs, silentFromMs, coveredRatio, downs } = row;
  return [
    bot,
    `${messages}`,
    ageMs === null ? 'never' : `${seconds(ageMs)} before`,
    venueAgeMs === null ? NOTHING : `${seconds(venueAgeMs)} before`,
    seconds(silentMs),
    exactInstant(silentFromMs),
    percent(coveredRatio),
    `${downs}`,
  ];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** One look at what the bots hear: measured, judged, written down. Market data that is not fresh is a result and no failure. */
import { proxyActivities, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { MarketDataActivities } from '../../activities/market-data.ts';
import type { JsonObject } from '../../core/evidence/json.ts';
import { freshnessOf } from '../../core/gates/freshness/judge.ts';
import { freshnessMarkdown } from '../../core/gates/freshness/text.ts';
import { botHostTaskQueue, DeskId, DeskKind, DeskSeverity, DeskVerdict } from '../desk-attributes.ts';
import { evidenceHands } from '../evidence-hands.ts';
import { parseInput } from '../parse-input.ts';
import { MarketDataFreshnessInput, type MarketDataFreshnessResult } from './contract.ts';

export async function marketDataFreshness(raw: unknown): Promise<MarketDataFreshnessResult> {
  const { desk, host } = parseInput(MarketDataFreshnessInput, raw);
  upsertSearchAttributes([
    { key: DeskId, value: desk },
    { key: DeskKind, value: 'marketDataFreshness' },
  ]);
  const hands = marketDataHands(host);
  const before = await hands.freshnessBefore({ subject: desk });
  const { sources, ...facts } = await hands.measureFreshness({ before, atMs: Date.now() });
  const report = freshnessOf(facts);
  const markdown = freshnessMarkdown(report);
  setCurrentDetails(markdown);
  upsertSearchAttributes([
    { key: DeskVerdict, value: report.pass ? 'PASS' : 'FAIL' },
    { key: DeskSeverity, value: report.pass ? 'ok' : 'warn' },
  ]);
  const evidence = await evidenceHands(host).recordEvidence({
    kind: 'market_data_freshness',
    subject: desk,
    range: { fromMs: facts.fromMs, toMs: facts.atMs, sources },
    rehearsal: [],
    payload: JSON.parse(JSON.stringify(report)) as JsonObject,
    atMs: Date.now(),
    key: 'freshness',
    markdown,
  });
  return { pass: report.pass, report, evidence };
}

function marketDataHands(host: string): MarketDataActivities {
  const taskQueue = botHostTaskQueue(host);
  const retry = { initialInterval: '2s', maximumInterval: '15s' } as const;
  // The next check comes after five minutes.
  const reading = { taskQueue, retry, startToCloseTimeout: '90s', scheduleToCloseTimeout: '4 minutes' } as const;
  const { freshnessBefore } = proxyActivities<MarketDataActivities>({
    ...reading,
    summary: 'where the check before ended',
  });
  const { measureFreshness } = proxyActivities<MarketDataActivities>({
    ...reading,
    summary: 'reads what the bots told of their streams',
  });
  return { freshnessBefore, measureFreshness };
}

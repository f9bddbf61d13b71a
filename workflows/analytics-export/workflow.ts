/** What was stored since the last export goes to the sinks. A sink that does not answer is a warning: nothing is lost by it. */
import { began, housekeepingHands, judged, orFail } from '../housekeeping-hands.ts';
import { parseInput } from '../parse-input.ts';
import { AnalyticsExportInput, type AnalyticsExportResult } from './contract.ts';

export async function analyticsExport(raw: unknown): Promise<AnalyticsExportResult> {
  const { desk, host } = parseInput(AnalyticsExportInput, raw);
  began(desk, 'analyticsExport');
  const { sinks, markdown } = await orFail('nothing was exported', () =>
    housekeepingHands(host).exportEvents({ atMs: Date.now() }),
  );
  const pass = sinks.every(({ outcome, ahead }) => outcome !== 'failed' && ahead.length === 0);
  judged(pass, markdown);
  return { pass, sinks };
}

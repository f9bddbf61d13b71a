/** The hand that exports events for analysis. */
import type { Analytics, SinkReport } from '../ledger/analytics/analytics.ts';
import type { ExportedSink } from '../workflows/analytics-export/contract.ts';
import { beating } from './housekeeping-beat.ts';

export interface AnalyticsDeps {
  /** Holds nothing between two exports. */
  readonly openAnalytics: () => Analytics;
  readonly report: (family: string, atMs: number, json: object, markdown: string) => void;
}

export interface ExportedEvents {
  sinks: ExportedSink[];
  markdown: string;
}

export function createAnalyticsActivities({ openAnalytics, report }: AnalyticsDeps) {
  return {
    /** Idempotent: each sink says itself how far it is. A cancellation ends it between two batches. `atMs` is workflow time. */
    exportEvents: ({ atMs }: { atMs: number }): Promise<ExportedEvents> =>
      beating(async (signal, tell) => {
        const analytics = openAnalytics();
        try {
          const onBatch = (sink: string, events: number): void => tell({ sink, events });
          const sinks = (await analytics.ingest({ signal, onBatch })).map((each) => ({
            ...each,
            ahead: [...each.ahead],
          }));
          const markdown = `${sinks.map(lineOf).join('\n')}\n`;
          report('analytics_export', atMs, { sinks }, markdown);
          return { sinks, markdown };
        } finally {
          await analytics.close();
        }
      }),
  };
}

function lineOf({ sink, outcome, error, events, batches, ahead }: SinkReport): string {
  const told = `- ${sink}: ${events} events in ${batches} batches`;
  const rest = [
    outcome === 'busy' ? 'another process exports to it just now' : null,
    outcome === 'failed' ? `**failed**: ${error}` : null,
    ahead.length > 0 ? `**holds more than the event store** of ${ahead.join(', ')}: left alone` : null,
  ].filter((each) => each !== null);
  return [told, ...rest].join('; ');
}

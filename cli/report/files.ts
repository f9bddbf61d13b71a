/** Reports as files under `reports/<kind>/`: each one whole or not there at all, the newest of each bot beside them. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { markdownOf, plotsOf, type Plot, type ReportDocument } from '../../core/reporting/document.ts';
import type { ReportHead } from '../../core/reporting/report-head.ts';
import type { Context } from '../context.ts';

export interface WrittenReport extends Pick<ReportHead, 'bot' | 'madeAtMs'> {
  readonly kind: string;
}

/** `<bot>_<UTC>_<plot>.svg` */
export function plotFile(report: WrittenReport, { name }: Plot): string {
  return `${stemOf(report)}_${name}.svg`;
}

/** Answers the paths, seen from the checkout. `<bot>_latest.json` comes last: what it is made from is there before. */
export function writeReport({ root }: Context, report: WrittenReport, document: ReportDocument): string[] {
  const dir = join(root, 'reports', report.kind);
  mkdirSync(dir, { recursive: true });
  const json = `${JSON.stringify({ v: 1, data: report }, null, 2)}\n`;
  const files: readonly (readonly [string, string])[] = [
    ...plotsOf(document).map((plot) => [plotFile(report, plot), plot.svg] as const),
    [`${stemOf(report)}.md`, markdownOf(document, (plot) => plotFile(report, plot))],
    [`${stemOf(report)}.json`, json],
    [`${report.bot}_latest.json`, json],
  ];
  return files.map(([name, content]) => {
    const path = join(dir, name);
    const partial = `${path}.${process.pid}.new`;
    writeFileSync(partial, content);
    renameSync(partial, path);
    return relative(root, path);
  });
}

function stemOf({ bot, madeAtMs }: WrittenReport): string {
  return `${bot}_${new Date(madeAtMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

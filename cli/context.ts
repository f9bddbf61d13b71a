/** What every command starts from: the checkout, the state folder, the configuration. */
import { resolve, join } from 'node:path';
import { deskHome, type DeskHome } from '../config/home.ts';

export interface Context {
  /** The checkout. */
  readonly root: string;
  /** The built code that this command runs from, and that every process it starts runs from. */
  readonly buildDir: string;
  readonly home: DeskHome;
  readonly configDir: string;
  /** The declaration of the local stack. */
  readonly stackFile: string;
  readonly env: NodeJS.ProcessEnv;
}

/** `DESK_HOME` holds all state; `DESK_CONFIG` another set of configuration files, `DESK_STACK` another `temporal-dev.yml`. Relative paths start at the shell's folder. */
export function createContext(root: string, buildDir: string, env: NodeJS.ProcessEnv): Context {
  return {
    root,
    buildDir,
    home: deskHome(env['DESK_HOME'] ? resolve(env['DESK_HOME']) : join(root, '.desk')),
    configDir: env['DESK_CONFIG'] ? resolve(env['DESK_CONFIG']) : join(root, 'config'),
    stackFile: env['DESK_STACK'] ? resolve(env['DESK_STACK']) : join(root, 'temporal-dev.yml'),
    env,
  };
}

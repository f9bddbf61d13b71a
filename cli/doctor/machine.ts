/** The programs that the desk needs. */
import { SILENT } from '../../core/log.ts';
import { findTemporalCli } from '../../stack/temporal-cli.ts';
import type { Context } from '../context.ts';
import { note, ok, type Finding } from './finding.ts';

export async function machine({ root, env }: Context): Promise<Finding[]> {
  const cli = await findTemporalCli({ env, projectRoot: root, log: SILENT });
  return [
    ok(`Node ${process.versions.node} on ${process.platform} ${process.arch}`),
    cli.tooOld
      ? note(
          `temporal ${cli.version} (${cli.source}) is older than 1.9.1: no rehearsals, no tests`,
          'install 1.9.1 or later',
        )
      : ok(`temporal ${cli.version} (${cli.source}: ${cli.path})`),
  ];
}

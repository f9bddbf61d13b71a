/** `desk doctor`: what is needed, what runs, and what to do about what is not right. Exit 3 when something is wrong. */
import pc from 'picocolors';
import { ConfigError, loadConfig, type LoadedConfig } from '../config/load.ts';
import { loadRetentionPolicy } from '../config/retention.ts';
import { loadSchedules } from '../config/schedules.ts';
import { runningDesk } from '../stack/desk-lock.ts';
import { readTemporalDev } from '../stack/temporal-dev.ts';
import { WORKFLOW_INPUTS } from '../workflows/inputs.ts';
import type { Context } from './context.ts';
import { accounts } from './doctor/accounts.ts';
import { deskDown } from './doctor/desk-down.ts';
import { eventStore } from './doctor/event-store.ts';
import { bad, ok, type Finding } from './doctor/finding.ts';
import { machine } from './doctor/machine.ts';
import { simulator } from './doctor/simulator.ts';
import { state } from './doctor/state.ts';
import { temporal } from './doctor/temporal.ts';
import { checkOutput, EXIT } from './exit-codes.ts';
import { withTemporal } from './temporal-client.ts';

export async function doctor(context: Context, output: string): Promise<number> {
  checkOutput(output);
  const sections: [string, Finding[]][] = [];
  const examine = async (title: string, look: () => Promise<Finding[]> | Finding[]): Promise<void> => {
    let findings: Finding[];
    try {
      findings = await look();
    } catch (error) {
      findings = [bad(error instanceof Error ? error.message : String(error), 'see the message')];
    }
    sections.push([title, findings]);
    if (output !== 'text') return;
    console.log(pc.bold(title));
    for (const { mark, text, remedy } of findings) {
      const sign = mark === 'ok' ? pc.green('✓') : mark === 'note' ? pc.yellow('·') : pc.red('✗');
      console.log(`  ${sign} ${text.replaceAll('\n', '\n    ')}${remedy === undefined ? '' : `\n      → ${remedy}`}`);
    }
  };
  let config: LoadedConfig | null = null;
  await examine('machine', () => machine(context));
  await examine('configuration', () => {
    try {
      config = loadConfig(context.configDir);
      loadSchedules(context.configDir, WORKFLOW_INPUTS);
      loadRetentionPolicy(context.configDir);
      readTemporalDev(context.stackFile);
      return [
        ok(
          `${config.bots.size} bots, venue ${config.desk.venue.name} (${config.desk.venue.endpoint}), temporal-dev.yml`,
        ),
      ];
    } catch (error) {
      const faults = error instanceof ConfigError ? error.faults : [(error as Error).message];
      return faults.map((fault) => bad(fault, `edit the file in ${context.configDir}`));
    }
  });
  await examine('state', () => state(context));
  const desk = runningDesk(context.home);
  if (desk === null) await examine('desk', () => deskDown(context));
  else if (config !== null) {
    const loaded: LoadedConfig = config;
    await examine('desk', () => [ok(`up, pid ${desk.pid}`)]);
    await examine('Temporal', () => withTemporal(context, (client) => temporal(client, loaded)));
    await examine('accounts', () => accounts(context, loaded));
    await examine('event store', () => eventStore(context, loaded));
    if (loaded.desk.venue.endpoint === 'simulator') await examine('exchange simulator', () => simulator(context));
  }
  const wrong = sections.flatMap(([, findings]) => findings).filter(({ mark }) => mark === 'bad').length;
  if (output === 'text')
    console.log(
      wrong === 0 ? pc.green('\nnothing is wrong') : pc.red(`\n${wrong} thing${wrong === 1 ? ' is' : 's are'} wrong`),
    );
  else console.log(JSON.stringify({ v: 1, data: { sections: Object.fromEntries(sections), wrong } }));
  return wrong === 0 ? EXIT.ok : EXIT.unhealthy;
}

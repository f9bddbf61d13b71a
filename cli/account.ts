/** `desk account probe`: asks the venue now what an account and its key are good for. Nothing of the key but its beginning is shown. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import { z } from 'zod';
import { rateSocket } from '../config/home.ts';
import { loadConfig, type LoadedConfig } from '../config/load.ts';
import { rightText } from '../core/accounts/key-rights.ts';
import { AccountReport } from '../core/control/protocol.ts';
import { readPorts } from '../stack/ports.ts';
import type { Context } from './context.ts';
import { accountFinding } from './doctor/accounts.ts';
import { checkOutput, CommandFailure, EXIT } from './exit-codes.ts';
import { sentence } from './why/words.ts';

/** What the probe's program prints. */
const Probe = AccountReport.extend({
  account: z.string(),
  endpoint: z.enum(['simulator', 'demo', 'live']),
  rights: z.array(z.string()),
  ipRestricted: z.boolean().nullable(),
});

export function registerAccountCommands(program: Command, context: Context): void {
  program
    .command('account')
    .description('accounts at the venue')
    .command('probe <account>')
    .description('ask the venue what the account and its key are good for; changes nothing')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async (account: string, { output }: { output: string }) => {
      checkOutput(output);
      process.exit(await probe(context, account, output));
    });
}

async function probe(context: Context, account: string, output: string): Promise<number> {
  const config = loadConfig(context.configDir);
  const answer = await run(context, optionsOf(context, config, account));
  const { endpoint, rights, ipRestricted, account: _, ...report } = answer;
  const { mark, text, remedy } = accountFinding(account, report, endpoint);
  if (output === 'json') console.log(JSON.stringify({ v: 1, data: answer }));
  else {
    console.log(mark === 'ok' ? pc.green(text) : mark === 'note' ? pc.yellow(text) : pc.red(text));
    if (rights.length > 0)
      console.log(sentence(`its key may ${rights.map(rightText).join(', ')}`, '  ', '    ').join('\n'));
    if (ipRestricted !== null)
      console.log(`  its key works from ${ipRestricted ? 'listed addresses only' : 'any address'}`);
    if (remedy !== undefined) console.log(`  → ${remedy}`);
  }
  return mark === 'bad' ? EXIT.unhealthy : EXIT.ok;
}

function optionsOf({ home }: Context, { desk, bots }: LoadedConfig, account: string): object {
  const names = Object.keys(desk.accounts);
  if (!names.includes(account)) {
    throw new CommandFailure(EXIT.usage, `account: expected one of ${names.join(', ')}, was "${account}"`);
  }
  const users = [...bots.values()].filter((bot) => bot.account === account);
  const user = users.find(({ mode }) => mode === 'live');
  if (user === undefined && users.some(({ mode }) => mode === 'paper_only')) {
    throw new CommandFailure(EXIT.usage, `${account}: a paper account, which has no key to ask about`);
  }
  const kind = desk.venue.endpoint;
  const port = readPorts(home)?.simulator;
  if (kind === 'simulator' && port === undefined) {
    throw new CommandFailure(EXIT.unhealthy, 'the exchange simulator does not run: ./desk up');
  }
  const endpoint =
    kind === 'simulator' ? { kind, httpUrl: `http://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${port}` } : { kind };
  const symbol = user?.symbol ?? 'BTCUSDT';
  return { account, home: home.root, symbol, endpoint, rateSocket: rateSocket(home, account) };
}

/** In a process of its own: only that one reads the key. */
async function run({ home, buildDir }: Context, options: object): Promise<z.infer<typeof Probe>> {
  mkdirSync(home.runDir, { recursive: true });
  const dir = mkdtempSync(join(home.runDir, 'probe-'));
  try {
    const file = join(dir, 'options.json');
    writeFileSync(file, JSON.stringify(options), { mode: 0o600 });
    const told = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, [join(buildDir, 'bots', 'probe.js'), file], (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        const usage = error.code === 2;
        reject(new CommandFailure(usage ? EXIT.usage : EXIT.failure, stderr.trim() || error.message));
      });
    });
    return Probe.parse(JSON.parse(told));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

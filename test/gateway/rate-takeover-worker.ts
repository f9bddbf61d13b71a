/** The rate brokers of a bot-host worker and nothing else of it: says what they log, ends in order on SIGTERM. */
import { deskHome } from '../../config/home.ts';
import { loadConfig } from '../../config/load.ts';
import { startRateBrokers } from '../../workers/rate-brokers.ts';

const [home = '', configDir = ''] = process.argv.slice(2);
const say = (msg: string): void => void process.stdout.write(`${msg}\n`);
const log = { info: say, warn: say, error: say };
const brokers = startRateBrokers({ home: deskHome(home), config: loadConfig(configDir), log });
process.on('SIGTERM', () => void brokers.stop().then(() => process.exit(0)));

/** A broker in a process of its own, to be killed; it says when it listens. */
import type { RateLimits } from '../../core/rates/limits.ts';
import { startRateBroker } from '../../gateway/rates/rate-broker.ts';

const { socketPath, limits } = JSON.parse(process.argv[2] ?? '{}') as {
  socketPath: string;
  limits: RateLimits<string>;
};
const say = (level: string) => (msg: string, fields?: object) =>
  console.error(level, msg, JSON.stringify(fields ?? {}));
const log = { info: say('info'), warn: say('warn'), error: say('error') };
const broker = await startRateBroker({ account: 'flood', socketPath, limits, log });
console.log('listening');
process.on('SIGTERM', () => {
  console.log(JSON.stringify(broker.counters()));
  void broker.close().then(() => process.exit(0));
});

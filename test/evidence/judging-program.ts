/** Says where it is, then the verdict on each trial. Arguments: how many, seed. */
import { verdictText } from './judging.ts';

const [count = '0', seed = '0'] = process.argv.slice(2);
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
say(JSON.stringify([timeZone, Intl.Collator().resolvedOptions().locale, new Date(0).getHours()]));
for (let trial = 0; trial < Number(count); trial += 1) say(verdictText(trial, Number(seed) + trial));

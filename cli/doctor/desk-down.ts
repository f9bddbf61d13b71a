/** A desk that does not run: whether it could. */
import { isPortFree } from '../../stack/ports.ts';
import { declaredPorts, readTemporalDev } from '../../stack/temporal-dev.ts';
import type { Context } from '../context.ts';
import { note, ok, type Finding } from './finding.ts';

export async function deskDown({ stackFile, home }: Context): Promise<Finding[]> {
  const ports = declaredPorts(readTemporalDev(stackFile));
  const taken: string[] = [];
  for (const [name, port] of Object.entries(ports)) if (!(await isPortFree(port))) taken.push(`${name} ${port}`);
  return [
    note(`not running (state in ${home.root})`, './desk up'),
    taken.length === 0
      ? ok('its ports are free')
      : note(`taken ports: ${taken.join(', ')}`, 'the desk takes free ones instead and prints them'),
  ];
}

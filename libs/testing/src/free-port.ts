import { isPortFree, pickPorts } from '../../../deploy/local/src/ports.js';

/** A port of the loopback address that nothing listens on now. */
export async function freePort(): Promise<number> {
  const request = { remembered: {}, chosen: {}, isFree: isPortFree, random: Math.random };
  const { free = 0 } = await pickPorts({ ...request, names: ['free'] });
  return free;
}

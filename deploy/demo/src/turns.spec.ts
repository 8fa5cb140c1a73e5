import { expect, it } from 'vitest';
import { Turns } from './turns.js';

it('gives one turn per round of the event loop', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const busy = async (name: string) => {
    await turns.next();
    seen.push(name);
  };
  const all = Promise.all([busy('first'), busy('second')]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen.length).toBeLessThan(2);
  await all;
  expect(seen).toEqual(['first', 'second']);
});

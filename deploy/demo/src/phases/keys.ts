import type { Step } from '../display.js';
import { inParallel, until } from '../patience.js';
import type { World } from '../world.js';

/**
 * Registers all keys, and notes the ledger's sums before the demo. What an earlier, interrupted run
 * left under way must end first, or its last steps would be counted as this run's.
 */
export async function registerKeys(world: World, step: Step): Promise<void> {
  world.before = await until(
    'the ledger at rest',
    () => world.ledger.totals(),
    ({ withdrawingUnits }) => withdrawingUnits === 0n,
    { timeoutMs: 45_000 },
  );
  const users = [...world.payers, ...world.payees];
  let done = 0;
  await inParallel(users, 8, async ({ account, wallet }) => {
    const address = await account.register();
    world.differences.equal('the address of a registered key', address, wallet.address);
    step.progress(++done, users.length);
  });
  step.note(`${users.length} accounts`);
}

import type { GetTotalsResponse } from '#libs/contracts';
import type { Step } from '../display.js';
import { inParallel, until } from '../patience.js';
import type { World } from '../world.js';

const RESTING_WITHIN_MS = 45_000;
/** Longer than a deposit takes to solidify on the local chain. */
const QUIET_MS = 2_500;
/** Longer than a channel takes from its closing to its end. */
const QUIET_WITH_CHANNELS_MS = 8_000;

/** Notes the ledger's sums before the demo, and registers all keys. */
export async function registerKeys(world: World, step: Step): Promise<void> {
  world.before = await restingTotals(world, step);
  const users = [...world.payers, ...world.payees];
  let done = 0;
  await inParallel(users, 8, async ({ account, wallet }) => {
    const address = await account.register();
    world.differences.equal('the address of a registered key', address, wallet.address);
    step.progress(++done, users.length);
  });
  step.note(`${users.length} accounts`);
}

// What an earlier, interrupted run left under way must end first: its last steps would be counted as
// this run's. A ledger that was never used has nothing to wait for.
async function restingTotals(world: World, step: Step): Promise<GetTotalsResponse> {
  let latest: GetTotalsResponse | undefined;
  let sinceMs = Date.now();
  return until(
    'the ledger at rest (is anybody else using it?)',
    () => world.ledger.totals(),
    (totals) => {
      if (latest?.postings !== totals.postings) sinceMs = Date.now();
      latest = totals;
      if (totals.postings === 0n) return true;
      step.note('waiting for what an earlier run left under way');
      const busy = totals.inChannelsUnits + totals.heldUnits > 0n;
      const quietMs = busy ? QUIET_WITH_CHANNELS_MS : QUIET_MS;
      return totals.withdrawingUnits === 0n && Date.now() - sinceMs > quietMs;
    },
    { timeoutMs: RESTING_WITHIN_MS },
  );
}

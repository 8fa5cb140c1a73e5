import { assetFromWire, type DepositTarget } from '#libs/contracts';
import { type AssetName, baseUnits, formatUnits, fromHex } from '#libs/domain';
import type { Step } from '../display.js';
import { until } from '../patience.js';
import type { PairPlan } from '../plan.js';
import { at, PATIENCE_MS, type User, type World } from '../world.js';

/** TRX for each payer: more than any fee of the demo. */
const PAYER_SUN = 500_000_000;
/** Below one unit: it must stay with the vault and never be credited. */
const DUST_BASE_UNITS = 7n * 10n ** 14n;

/** Funds every payer on the chain, lets them pay in, and waits until the ledger has credited them. */
export async function deposit(world: World, step: Step): Promise<void> {
  const targets = await world.settlement.depositTargets();
  let done = 0;
  const steps = world.payers.length * 3;
  const tick = () => step.progress(++done, steps);
  await Promise.all(
    world.payers.map(async (payer, index) => {
      const plan = at(world.plan.pairs, index);
      const amount = baseUnits(plan.asset, plan.depositUnits) + dustOf(plan);
      await fund(world, payer, plan.asset, amount);
      tick();
      const target = targetOf(targets, plan.asset);
      const txid = await world.chain.transfer(payer.wallet, plan.asset, target.address, amount);
      await world.chain.included(txid);
      world.counts.chainTransactions += 3;
      tick();
      world.books.deposit(payer.wallet.address, plan.asset, plan.depositUnits);
      await payer.account.waitFor((b) => b.availableUnits >= plan.depositUnits, PATIENCE_MS);
      await checkDeposit(world, payer, plan, txid);
      tick();
    }),
  );
  const { depositedUnits } = world.books.totals();
  const [trc20, trc10] = [depositedUnits.TRC20_BTT, depositedUnits.TRC10_BTTOLD];
  step.note(`${formatUnits(trc20)} by TRC-20, ${formatUnits(trc10)} by TRC-10 (in BTTOLD)`);
}

async function fund(world: World, payer: User, asset: AssetName, amount: bigint): Promise<void> {
  const { address } = payer.wallet;
  const txids = await Promise.all([
    world.chain.fundTrx(address, PAYER_SUN),
    world.chain.fundAsset(asset, address, amount),
  ]);
  await Promise.all(txids.map((txid) => world.chain.included(txid)));
}

async function checkDeposit(world: World, payer: User, plan: PairPlan, txid: string) {
  const { differences, settlement } = world;
  const balances = await payer.account.balances();
  differences.equal('a credited deposit', balances.availableUnits, plan.depositUnits);
  const deposits = await until(
    'a deposit told by settlement',
    () => settlement.deposits(fromHex(txid)),
    (found) => found.length > 0,
    { timeoutMs: PATIENCE_MS },
  );
  differences.equal('transfers in one deposit', deposits.length, 1);
  const [found] = deposits;
  if (found === undefined) return;
  differences.equal('the account of a deposit', found.account, payer.wallet.address);
  differences.equal('the units of a deposit', found.amountUnits, plan.depositUnits);
  differences.equal('the asset of a deposit', String(assetFromWire(found.asset)), plan.asset);
}

function targetOf(targets: readonly DepositTarget[], asset: AssetName): DepositTarget {
  const target = targets.find((each) => assetFromWire(each.asset) === asset);
  if (target === undefined) throw new Error(`settlement names no target for ${asset}`);
  return target;
}

function dustOf(plan: PairPlan): bigint {
  return plan.asset === 'TRC20_BTT' && plan.index % 4 === 0 ? DUST_BASE_UNITS : 0n;
}

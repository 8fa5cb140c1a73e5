import { newId } from '#libs/client';
import { BatchState, type Withdrawal, WithdrawalState } from '#libs/contracts';
import { type AssetName, baseUnits, formatUnits, type Units } from '#libs/domain';
import type { Step } from '../display.js';
import { until } from '../patience.js';
import { PATIENCE_MS, type User, type World } from '../world.js';

const ENDED = [WithdrawalState.SOLIDIFIED, WithdrawalState.REFUNDED, WithdrawalState.CANCELLED];

/** Every payee takes all it has earned to the chain; settlement pays in batches. */
export async function withdraw(world: World, step: Step): Promise<void> {
  const assets = chooseAssets(world);
  const transactions = new Set<string>();
  let done = 0;
  await Promise.all(
    world.payees.map(async (payee) => {
      const asset = assets.get(payee) ?? 'TRC10_BTTOLD';
      const paid = await withdrawAll(world, payee, asset);
      if (paid !== undefined) transactions.add(paid.txid);
      step.progress(++done, world.payees.length);
    }),
  );
  world.counts.chainTransactions += transactions.size;
  await checkBatches(world, transactions);
  const { withdrawnUnits } = world.books.totals();
  const [trc20, trc10] = [withdrawnUnits.TRC20_BTT, withdrawnUnits.TRC10_BTTOLD];
  step.note(
    `${formatUnits(trc20)} by TRC-20, ${formatUnits(trc10)} by TRC-10 in ${world.batches.size} batches`,
  );
}

// Each asset can pay out what came in by it; whoever is next takes the one with more left.
function chooseAssets(world: World): Map<User, AssetName> {
  const left = { ...world.books.totals().depositedUnits };
  return new Map(
    world.payees.map((payee) => {
      const asset = left.TRC20_BTT >= left.TRC10_BTTOLD ? 'TRC20_BTT' : 'TRC10_BTTOLD';
      left[asset] -= world.books.balancesOf(payee.wallet.address).availableUnits;
      return [payee, asset] as const;
    }),
  );
}

async function withdrawAll(world: World, payee: User, asset: AssetName) {
  const { books, differences } = world;
  const { address } = payee.wallet;
  const amountUnits = books.balancesOf(address).availableUnits;
  const quote = await payee.account.quoteWithdrawal(asset, amountUnits);
  const { withdrawalFeeUnits: feeUnits } = world.ledger.network;
  differences.equal('the fee of a quote', quote.feeUnits, feeUnits);
  const withdrawalId = newId();
  await payee.account.withdraw({ asset, amountUnits, withdrawalId });
  books.withdraw(withdrawalId, { account: address, asset, amountUnits, feeUnits });
  const found = await until(
    `the payout to ${address}`,
    () => payee.account.getWithdrawal(withdrawalId),
    ({ state }) => ENDED.includes(state),
    { timeoutMs: 2 * PATIENCE_MS, everyMs: 500 },
  );
  if (found.state !== WithdrawalState.SOLIDIFIED) {
    differences.holds('a withdrawal is paid', false, `${found.state} ${found.failure}`);
    return undefined;
  }
  books.paidOut(withdrawalId);
  await checkPayout(world, found, asset, amountUnits - feeUnits);
  return found;
}

// What counts is what the chain says, asked of its solidified state.
async function checkPayout(
  world: World,
  { destination, txid }: Withdrawal,
  asset: AssetName,
  units: Units,
): Promise<void> {
  const expected = baseUnits(asset, units);
  const found = await world.chain.solidBalance(asset, destination);
  world.differences.equal(`${asset} of ${destination} on the chain`, found, expected);
  world.differences.holds('a payout names its transaction', /^[0-9a-f]{64}$/.test(txid), txid);
}

async function checkBatches(world: World, transactions: ReadonlySet<string>): Promise<void> {
  const ours = await until(
    'batches solidified',
    async () => {
      const { batches } = await world.settlement.listBatches({ cursor: '', limit: 200 });
      return batches.filter(({ txid }) => transactions.has(txid));
    },
    (batches) =>
      batches.length === transactions.size &&
      batches.every(({ state }) => state === BatchState.SOLIDIFIED),
    { timeoutMs: PATIENCE_MS },
  );
  const payouts = ours.reduce((sum, batch) => sum + batch.payouts, 0);
  world.differences.equal('payouts of our batches', payouts, world.payees.length);
  for (const { batchNo } of ours) world.batches.add(batchNo);
}

import { assetFromWire, type GetTotalsResponse } from '#libs/contracts';
import { ASSETS, type AssetName, type Units } from '#libs/domain';
import type { Step } from '../display.js';
import { until } from '../patience.js';
import { PATIENCE_MS, type World } from '../world.js';

/** Proves from the journal, the channels and the chain that no unit was lost or made. */
export async function prove(world: World, step: Step): Promise<boolean> {
  const wrongBefore = world.differences.lines.length;
  const after = await settledTotals(world);
  checkTotals(world, after);
  step.progress(1, 3);
  await checkAccounts(world);
  step.progress(2, 3);
  await checkReserves(world, after);
  step.progress(3, 3);
  const conserved = world.differences.lines.length === wrongBefore;
  step.note(
    conserved
      ? `${world.differences.checked} figures right; owed ${liabilities(after)} units, all backed`
      : 'figures differ, see below',
  );
  return conserved;
}

// The sums that the ledger shows may be a second old.
async function settledTotals(world: World): Promise<GetTotalsResponse> {
  const { feesUnits } = world.books.totals();
  const before = world.before?.feesUnits ?? 0n;
  return until(
    'the ledger’s sums with this run in them',
    () => world.ledger.totals(),
    (totals) => totals.feesUnits - before >= feesUnits && totals.withdrawingUnits === 0n,
    { timeoutMs: PATIENCE_MS },
  );
}

function checkTotals(world: World, after: GetTotalsResponse): void {
  const { differences, before } = world;
  if (before === undefined) throw new Error('the sums before the demo are missing');
  const expected = world.books.totals();
  differences.holds('the journal agrees with the tables', after.conserved, after.firstDifference);
  for (const asset of ASSETS) {
    const [was, is] = [flows(before, asset), flows(after, asset)];
    const deposited = is.depositedUnits - was.depositedUnits;
    const withdrawn = is.withdrawnUnits - was.withdrawnUnits;
    differences.equal(`deposited by ${asset}`, deposited, expected.depositedUnits[asset]);
    differences.equal(`withdrawn by ${asset}`, withdrawn, expected.withdrawnUnits[asset]);
  }
  differences.equal('fees', after.feesUnits - before.feesUnits, expected.feesUnits);
  const opened = Number(after.channelsOpened - before.channelsOpened);
  const closed = Number(after.channelsClosed - before.channelsClosed);
  differences.equal('channels opened', opened, expected.channelsOpened);
  differences.equal('channels closed', closed, expected.channelsClosed);
  const kept = liabilities(after) - liabilities(before) - expected.feesUnits;
  differences.equal('what accounts hold', kept, expected.heldByAccountsUnits);
  differences.equal('owed = deposited − withdrawn', liabilities(after), netDeposits(after));
}

async function checkAccounts(world: World): Promise<void> {
  await Promise.all(
    [...world.payers, ...world.payees].map(async ({ account, wallet }) => {
      const found = await account.balances();
      const expected = world.books.balancesOf(wallet.address);
      for (const [kind, units] of Object.entries(expected)) {
        const told = found[kind as keyof typeof expected];
        world.differences.equal(`${kind} of ${wallet.address}`, told, units);
      }
    }),
  );
}

// Vault and hot wallet, as the solidified chain shows them, must cover everything that is owed.
async function checkReserves(world: World, after: GetTotalsResponse): Promise<void> {
  const targets = await world.settlement.depositTargets();
  let reserves = 0n;
  for (const asset of ASSETS) {
    const target = targets.find((each) => assetFromWire(each.asset) === asset);
    if (target === undefined) throw new Error(`settlement names no target for ${asset}`);
    const units = await world.chain.solidUnits(asset, target.address);
    const { depositedUnits, withdrawnUnits } = flows(after, asset);
    const net = depositedUnits - withdrawnUnits;
    const told = `${units} on the chain, ${net} came in and stayed`;
    world.differences.holds(`${asset} is backed`, units >= net, told);
    reserves += units;
  }
  const owed = liabilities(after);
  world.differences.holds('reserves cover what is owed', reserves >= owed, `${reserves} < ${owed}`);
}

function liabilities(totals: GetTotalsResponse): Units {
  return (
    totals.availableUnits +
    totals.heldUnits +
    totals.inChannelsUnits +
    totals.withdrawingUnits +
    totals.feesUnits +
    totals.suspenseUnits
  );
}

function netDeposits(totals: GetTotalsResponse): Units {
  return totals.assets.reduce((sum, a) => sum + a.depositedUnits - a.withdrawnUnits, 0n);
}

function flows(totals: GetTotalsResponse, name: AssetName) {
  const found = totals.assets.find(({ asset }) => assetFromWire(asset) === name);
  return found ?? { depositedUnits: 0n, withdrawnUnits: 0n };
}

import { ChannelState } from '#libs/contracts';
import type { Step } from '../display.js';
import { inParallel, until } from '../patience.js';
import { PATIENCE_MS, type Pair, type World } from '../world.js';
import { expectRefusal } from './refuse.js';

/** Payers close two of the channels themselves when the ledger's dispute window is at most this. */
const DISPUTE_WINDOW_MAX_MS = 15_000n;

/** Closes every channel, waits until the remainders are back, and compares every balance. */
export async function close(world: World, step: Step): Promise<void> {
  const byPayers = closedByPayers(world);
  let done = 0;
  await inParallel(world.pairs, world.pairs.length, async (pair) => {
    const closer = byPayers.has(pair) ? pair.payer : pair.payee;
    await closer.account.closeChannel(pair.channelId);
    await awaitClosed(world, pair);
    world.books.close(pair.channelId);
    step.progress(++done, world.pairs.length);
  });
  await expectClosed(world);
  for (const user of [...world.payers, ...world.payees]) {
    const { address } = user.wallet;
    const expected = world.books.balancesOf(address);
    const found = await user.account.balances();
    for (const kind of ['availableUnits', 'heldUnits', 'inChannelsUnits'] as const) {
      world.differences.equal(`${kind} of ${address}`, found[kind], expected[kind]);
    }
  }
  step.note(`${done} channels, ${byPayers.size} of them by the payer after the dispute window`);
}

function closedByPayers(world: World): Set<Pair> {
  if (world.ledger.network.disputeWindowMs > DISPUTE_WINDOW_MAX_MS) return new Set();
  const first = (kind: Pair['plan']['kind']) =>
    world.pairs.filter(({ plan }) => plan.kind === kind);
  return new Set([...first('lease').slice(0, 1), ...first('ticks').slice(0, 1)]);
}

async function awaitClosed(world: World, pair: Pair): Promise<void> {
  const channel = await until(
    `channel of payer ${pair.plan.index} closed`,
    () => world.ledger.describeChannel(pair.channelId),
    ({ state }) => state === ChannelState.CLOSED,
    { timeoutMs: PATIENCE_MS, everyMs: 500 },
  );
  const owed = world.books.cumulativeUnits(pair.channelId);
  world.differences.equal(`owed by channel ${pair.plan.index}`, channel.cumulativeUnits, owed);
}

async function expectClosed(world: World): Promise<void> {
  const pair = world.pairs.find(({ plan }) => plan.kind === 'direct');
  if (pair === undefined) throw new Error('no channel was opened directly');
  const voucher = pair.payer.wallet.voucher({
    channelId: pair.channelId,
    payee: pair.payee.wallet.address,
    cumulativeUnits: pair.paying.cumulativeUnits + 1n,
    validUntilMs: BigInt(Math.floor(world.ledger.nowMs())) + 3_600_000n,
  });
  const payments = { vouchers: [voucher] };
  await expectRefusal(world, { what: 'on a closed channel', reason: 'CHANNEL_CLOSED', payments });
}

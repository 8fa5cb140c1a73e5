import { createHash, randomBytes } from 'node:crypto';
import { newId, PayingChannel, ReceivingChannel } from '#libs/client';
import { type Match, OrderState } from '#libs/contracts';
import { toHex } from '#libs/domain';
import type { Step } from '../display.js';
import { until } from '../patience.js';
import { LOSING_PRICE_UNITS, LOSING_VOLUME_MIB, type PairPlan } from '../plan.js';
import { at, PATIENCE_MS, type Pair, type User, type World } from '../world.js';

const ORDER_VALID_MS = 600_000;

/**
 * Providers ask and requesters bid, in the swarm of the download and in a common one; rounds clear
 * them and open the leases. One bid is too low for any ask, and its owner takes it back.
 */
export async function auction(world: World, step: Step, infoHash: Buffer): Promise<void> {
  const leases = world.plan.pairs.filter(({ kind }) => kind === 'download' || kind === 'lease');
  const common = randomBytes(20);
  const losing = await placeLosingBid(world, common);
  let done = 0;
  await Promise.all(
    leases.map(async (plan) => {
      const swarm = plan.kind === 'download' ? infoHash : common;
      await placeAsk(world, plan, swarm);
      const match = await bidAndWin(world, plan, swarm);
      world.pairs.push(await checkLease(world, plan, match));
      step.progress(++done, leases.length);
    }),
  );
  await takeBack(world, losing);
  await checkRounds(world);
  await Promise.all(world.payers.map((payer) => checkBalances(world, payer)));
  step.note(`${world.counts.matches} leases in ${world.rounds.size} rounds`);
}

async function placeAsk(world: World, plan: PairPlan, swarm: Buffer): Promise<void> {
  await world.market.placeAsk(at(world.payees, plan.index).wallet, {
    orderId: newId(),
    swarm,
    slots: 1,
    slotRateMib: 4,
    reservePriceUnits: plan.reservePriceUnits,
    expiresAtMs: BigInt(world.ledger.nowMs() + ORDER_VALID_MS),
  });
}

async function bidAndWin(world: World, plan: PairPlan, swarm: Buffer): Promise<Match> {
  const { wallet } = at(world.payers, plan.index);
  const orderId = newId();
  const budgetUnits = plan.priceLimitUnits * plan.volumeMib;
  await world.market.placeBid(wallet, {
    orderId,
    swarm,
    slots: 1,
    priceLimitUnits: plan.priceLimitUnits,
    volumeMib: plan.volumeMib,
    budgetUnits,
    expiresAtMs: BigInt(world.ledger.nowMs() + ORDER_VALID_MS),
  });
  world.books.hold(wallet.address, orderId, budgetUnits);
  const { matches } = await until(
    `the lease of payer ${plan.index}`,
    () => world.market.getOrder(orderId),
    ({ order, matches: found }) => order?.state === OrderState.FILLED && found.length > 0,
    { timeoutMs: PATIENCE_MS },
  );
  world.differences.equal('matches of a bid for one slot', matches.length, 1);
  const match = at(matches, 0);
  const provider = at(world.payees, providerIndex(world, match));
  world.books.lease(orderId, match.channelId, provider.wallet.address, match.depositUnits);
  world.books.release(orderId);
  world.counts.matches += 1;
  world.rounds.add(match.roundNo);
  return match;
}

function providerIndex(world: World, match: Match): number {
  const index = world.payees.findIndex(({ wallet }) => wallet.address === match.provider);
  if (index < 0) throw new Error(`the auction chose ${match.provider}, who is none of ours`);
  return index;
}

// A lease must be what both sides signed for, and the books must have opened it.
async function checkLease(world: World, plan: PairPlan, match: Match): Promise<Pair> {
  const { differences } = world;
  const payer = at(world.payers, plan.index);
  const payeeIndex = providerIndex(world, match);
  const payee = at(world.payees, payeeIndex);
  const { reservePriceUnits } = at(world.plan.pairs, payeeIndex);
  const price = match.priceUnits;
  differences.equal('the requester of a lease', match.requester, payer.wallet.address);
  differences.equal('the volume of a lease', match.volumeMib, plan.volumeMib);
  differences.equal('the deposit of a lease', match.depositUnits, price * match.volumeMib);
  differences.holds('a price is within limit', price <= plan.priceLimitUnits, String(price));
  differences.holds('a price is above reserve', price >= reservePriceUnits, String(price));
  const expected = world.books.balancesOf(payer.wallet.address);
  await payer.account.waitFor(
    (b) => b.heldUnits === expected.heldUnits && b.inChannelsUnits === expected.inChannelsUnits,
    PATIENCE_MS,
  );
  const channel = await world.ledger.describeChannel(match.channelId);
  differences.equal('the payer of a lease', channel.payer, payer.wallet.address);
  differences.equal('the payee of a lease', channel.payee, payee.wallet.address);
  differences.equal('the locked deposit of a lease', channel.depositUnits, match.depositUnits);
  differences.equal('the match of a lease', toHex(channel.matchId), toHex(match.matchId));
  const { channelId, depositUnits } = match;
  const terms = { channelId, depositUnits, payee: payee.wallet.address };
  return {
    plan,
    payer,
    payee,
    channelId,
    depositUnits,
    priceUnits: price,
    paying: new PayingChannel(payer.wallet, terms),
    receiving: new ReceivingChannel(payee.wallet.digests, {
      ...terms,
      payer: payer.wallet.address,
      signerPublicKey: payer.wallet.publicKey,
    }),
  };
}

type LosingBid = { readonly orderId: Buffer; readonly owner: User };

async function placeLosingBid(world: World, swarm: Buffer): Promise<LosingBid> {
  const owner = at(world.payers, world.payers.length - 1);
  const orderId = newId();
  const budgetUnits = LOSING_PRICE_UNITS * LOSING_VOLUME_MIB;
  await world.market.placeBid(owner.wallet, {
    orderId,
    swarm,
    slots: 1,
    priceLimitUnits: LOSING_PRICE_UNITS,
    volumeMib: LOSING_VOLUME_MIB,
    budgetUnits,
    expiresAtMs: BigInt(world.ledger.nowMs() + ORDER_VALID_MS),
  });
  world.books.hold(owner.wallet.address, orderId, budgetUnits);
  return { orderId, owner };
}

async function takeBack(world: World, { orderId, owner }: LosingBid): Promise<void> {
  const validUntilMs = BigInt(world.ledger.nowMs() + ORDER_VALID_MS);
  await world.market.cancelOrder(owner.wallet, orderId, validUntilMs);
  const { matches } = await until(
    'the losing bid cancelled',
    () => world.market.getOrder(orderId),
    ({ order }) => order?.state === OrderState.CANCELLED,
    { timeoutMs: PATIENCE_MS },
  );
  world.differences.equal('matches of the losing bid', matches.length, 0);
  world.books.release(orderId);
}

// Anyone can re-run a round: its transcript must be the one that its hash commits to.
async function checkRounds(world: World): Promise<void> {
  for (const roundNo of world.rounds) {
    const { round, transcript } = await world.market.getRound(roundNo);
    const hash = createHash('sha256').update(transcript).digest('hex');
    const told = round === undefined ? '' : toHex(round.transcriptHash);
    world.differences.equal(`the transcript hash of round ${roundNo}`, hash, told);
  }
}

async function checkBalances(world: World, payer: User): Promise<void> {
  const expected = world.books.balancesOf(payer.wallet.address);
  await payer.account.waitFor(
    (b) => b.availableUnits === expected.availableUnits && b.heldUnits === expected.heldUnits,
    PATIENCE_MS,
  );
}

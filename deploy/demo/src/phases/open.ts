import { newId, PayingChannel, ReceivingChannel, TickChain } from '#libs/client';
import { ChannelState } from '#libs/contracts';
import { channelIdOf, toHex } from '#libs/domain';
import type { Step } from '../display.js';
import { inParallel } from '../patience.js';
import type { PairPlan } from '../plan.js';
import { at, type Pair, type World } from '../world.js';

/** Ticks committed beyond those that will be paid, so that bad ones can be told from too many. */
const SPARE_TICKS = 10;

/** The payers that won no lease open their channels themselves, some with a tick commitment. */
export async function openChannels(world: World, step: Step): Promise<void> {
  const plans = world.plan.pairs.filter(({ kind }) => kind === 'direct' || kind === 'ticks');
  let done = 0;
  await inParallel(plans, 8, async (plan) => {
    world.pairs.push(await open(world, plan));
    step.progress(++done, plans.length);
  });
  const withTicks = plans.filter(({ kind }) => kind === 'ticks').length;
  step.note(`${plans.length} channels, ${withTicks} of them with ticks`);
}

async function open(world: World, plan: PairPlan): Promise<Pair> {
  const payer = at(world.payers, plan.index);
  const payee = at(world.payees, plan.index);
  const chain =
    plan.kind === 'ticks'
      ? new TickChain(newId(), plan.amountUnits, plan.payments + SPARE_TICKS)
      : undefined;
  const salt = newId();
  const depositUnits = plan.channelUnits;
  const payeeAddress = payee.wallet.address;
  const order = { payee: payeeAddress, depositUnits, ticks: chain?.commitment, salt };
  const channel = await payer.account.openChannel(order);
  const { differences, books } = world;
  const channelId = channelIdOf(payer.wallet.address, payeeAddress, salt);
  differences.equal('the id of a channel', toHex(channel.channelId), toHex(channelId));
  differences.equal('a new channel’s state', channel.state, ChannelState.OPEN);
  // A repeat must change nothing: the salt makes it the same channel.
  const again = await payer.account.openChannel(order);
  differences.equal('a repeated opening', toHex(again.channelId), toHex(channelId));
  books.open(payer.wallet.address, payeeAddress, channelId, depositUnits);
  const terms = { channelId, depositUnits, payee: payeeAddress };
  return {
    plan,
    payer,
    payee,
    channelId,
    depositUnits,
    priceUnits: 0n,
    paying: new PayingChannel(payer.wallet, { ...terms, chain }),
    receiving: new ReceivingChannel(payee.wallet.digests, {
      ...terms,
      payer: payer.wallet.address,
      signerPublicKey: payer.wallet.publicKey,
      ticks: chain?.commitment,
    }),
  };
}

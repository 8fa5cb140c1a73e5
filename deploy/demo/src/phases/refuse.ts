import { newId, owedAtLeast, type Payments } from '#libs/client';
import type { Voucher } from '#libs/contracts';
import type { Reason } from '#libs/domain';
import type { Step } from '../display.js';
import { at, type Pair, type World } from '../world.js';

/** A payment that must be refused, and why. */
type BadPayment = {
  readonly what: string;
  readonly reason: Reason;
  readonly payments: Payments;
};

const STALE_TRIES = 5;
const HOUR_MS = 3_600_000n;

/** Posts payments that are wrong in one way each; every one must be refused for exactly that. */
export async function refuseBad(world: World, step: Step): Promise<void> {
  const bad = [...badVouchers(world), ...badTicks(world)];
  let done = 0;
  for (const each of bad) {
    await expectRefusal(world, each);
    step.progress(++done, bad.length + 1);
  }
  await expectStale(world);
  step.note(`${world.counts.vouchersRejected} bad payments, each with its own reason`);
}

function pairOf(world: World, kind: Pair['plan']['kind']): Pair {
  return at(
    world.pairs.filter(({ plan }) => plan.kind === kind),
    0,
  );
}

function badVouchers(world: World): BadPayment[] {
  const pair = pairOf(world, 'direct');
  const { payer, payee, channelId, depositUnits } = pair;
  const nowMs = BigInt(Math.floor(world.ledger.nowMs()));
  const next = {
    channelId,
    payee: payee.wallet.address,
    cumulativeUnits: pair.paying.cumulativeUnits + 1n,
    validUntilMs: nowMs + HOUR_MS,
  };
  const stranger = at(world.payers, 0).wallet;
  const good = payer.wallet.voucher(next);
  const case_ = (what: string, reason: Reason, voucher: Voucher): BadPayment => ({
    what,
    reason,
    payments: { vouchers: [voucher] },
  });
  return [
    case_('signed by somebody else', 'BAD_SIGNATURE', stranger.voucher(next)),
    case_('a changed amount', 'BAD_SIGNATURE', { ...good, cumulativeUnits: depositUnits }),
    case_('above the deposit', 'ABOVE_DEPOSIT', {
      ...payer.wallet.voucher({ ...next, cumulativeUnits: depositUnits + 1n }),
    }),
    case_('expired', 'EXPIRED', payer.wallet.voucher({ ...next, validUntilMs: nowMs - HOUR_MS })),
    case_('of an unknown channel', 'CHANNEL_UNKNOWN', {
      ...payer.wallet.voucher({ ...next, channelId: newId() }),
    }),
    case_('for another payee', 'PAYEE_MISMATCH', {
      ...payer.wallet.voucher({ ...next, payee: payer.wallet.address }),
    }),
    case_('without a whole signature', 'MALFORMED', {
      ...good,
      signature: good.signature.subarray(0, 63),
    }),
  ];
}

function badTicks(world: World): BadPayment[] {
  const { channelId, paying } = pairOf(world, 'ticks');
  const { chain } = paying.terms;
  if (chain === undefined) throw new Error('a channel without its chain');
  const { tickValueUnits, ticksMax } = chain.commitment;
  const index = paying.cumulativeUnits / tickValueUnits + 1n;
  const case_ = (what: string, reason: Reason, id: Uint8Array, tickIndex: bigint): BadPayment => ({
    what,
    reason,
    payments: { ticks: [{ channelId: Buffer.from(id), index: tickIndex, preimage: newId() }] },
  });
  const { channelId: withoutTicks } = pairOf(world, 'direct');
  return [
    case_('a tick with a made-up preimage', 'BAD_PREIMAGE', channelId, index),
    case_('a tick beyond the chain', 'TICK_OUT_OF_RANGE', channelId, ticksMax + 1n),
    case_('a tick without a commitment', 'TICKS_NOT_COMMITTED', withoutTicks, 1n),
  ];
}

/** Posts one bad payment and compares the reason. */
export async function expectRefusal(world: World, bad: BadPayment): Promise<void> {
  const { vouchers, ticks } = await world.vouchers.post(bad.payments);
  const [outcome] = [...vouchers, ...ticks];
  const told = outcome?.status === 'refused' ? outcome.reason : 'accepted';
  world.differences.equal(`the answer to a payment ${bad.what}`, told, bad.reason);
  if (told === bad.reason) world.counts.vouchersRejected += 1;
}

// A receipt only promises "at least": an ingest that was started anew a moment ago may answer an old
// voucher with one, before it has heard of the newer. So the newest one is posted first.
async function expectStale(world: World): Promise<void> {
  const pair = pairOf(world, 'direct');
  const newest = pair.paying.cumulativeUnits;
  const voucherOf = (cumulativeUnits: bigint) =>
    pair.payer.wallet.voucher({
      channelId: pair.channelId,
      payee: pair.payee.wallet.address,
      cumulativeUnits,
      validUntilMs: BigInt(Math.floor(world.ledger.nowMs())) + HOUR_MS,
    });
  let told = '';
  for (let tries = 0; tries < STALE_TRIES && told !== 'SUPERSEDED'; tries++) {
    const again = await world.vouchers.post({ vouchers: [voucherOf(newest)] });
    const owed = again.vouchers[0] && owedAtLeast(again.vouchers[0]);
    world.differences.equal('what a repeated voucher says is owed', owed ?? 0n, newest);
    const stale = await world.vouchers.post({ vouchers: [voucherOf(newest - 1n)] });
    const [outcome] = stale.vouchers;
    told = outcome?.status === 'refused' ? outcome.reason : 'accepted';
  }
  world.differences.equal('the answer to a stale payment', told, 'SUPERSEDED');
  if (told === 'SUPERSEDED') world.counts.vouchersRejected += 1;
}

import { randomBytes } from 'node:crypto';
import { Asset, encodeLogRecord, type LogBlock, WithdrawalState } from '#libs/contracts';
import { type KeyPair, sign } from '#libs/crypto';
import type { Database } from '#libs/database';
import { bundleRoot, partitionOf, tickChain } from '#libs/domain';
import type { StoredChannel } from '../../../services/balance/src/repositories/channel.repository.js';
import { type ledgerKit, value } from '../../../services/balance/test/ledger.kit.js';
import { leases } from './market.kit.js';

type Kit = ReturnType<typeof ledgerKit>;

const FAR = 4_000_000_000_000n;
/** The zero address, which no token pays. */
export const NOBODY = 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb';
/** An account that has never told its key. */
const NEVER_REGISTERED = 'TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj';

/** A small ledger in which everything has happened that the journal can hold, with claims that hold. */
export async function busyLedger(
  kit: Kit,
  owner: Database,
): Promise<{ anna: KeyPair; bert: KeyPair; withdrawals: Buffer[] }> {
  const anna = await kit.account(500_000n);
  const bert = await kit.account(1_000n);
  value(await kit.transfer(anna, bert.address, 300n));
  const channels: StoredChannel[] = [];
  while (channels.length < 5) {
    const request = kit.openRequest(anna, bert.address, 1_000n);
    const opened = value(await kit.use.channels.open(request));
    channels.push(opened);
  }
  const [first, second, closing] = channels as [StoredChannel, StoredChannel, StoredChannel];
  await apply(kit, first.part, [voucher(kit, anna, bert, first, 70n)]);
  await apply(kit, first.part, [voucher(kit, anna, bert, first, 90n)]);
  await apply(kit, second.part, [bundle(kit, anna, [second], 55n)]);
  await ticks(kit, anna, bert);
  await apply(kit, closing.part, [voucher(kit, anna, bert, closing, 400n)]);
  value(await kit.close(bert, closing.channelId));
  await apply(kit, closing.part, [end(closing)]);
  value(await kit.use.holds.place(kit.bid(anna, 250n)));
  const withdrawals: Buffer[] = [];
  await lateTicks(kit, anna, bert);
  const [lease] = await leases(kit, owner, anna, [bert, await kit.account()]);
  const leased = await kit.repositories.channels.find(lease ?? Buffer.alloc(32));
  if (leased === undefined) throw new Error('no lease was opened');
  await apply(kit, leased.part, [voucher(kit, anna, bert, leased, 30n)]);
  await suspense(kit);
  for (const [asset, to] of [
    [Asset.TRC20_BTT, anna.address],
    [Asset.TRC20_BTT, NOBODY],
    [Asset.TRC20_BTT, anna.address],
    [Asset.TRC20_BTT, anna.address],
    [Asset.TRC10_BTTOLD, anna.address],
  ] as const) {
    withdrawals.push(await withdraw(kit, anna, asset, to));
  }
  const [refunded] = withdrawals as [Buffer];
  const report = { withdrawalId: refunded, failure: 'no', txid: '', note: '' };
  value(await kit.use.advance.advance({ ...report, state: WithdrawalState.REFUNDED }));
  while ((await kit.use.sealing.round()) > 0);
  return { anna, bert, withdrawals: withdrawals.slice(1) };
}

async function withdraw(kit: Kit, owner: KeyPair, asset: Asset, destination: string) {
  const validUntilMs = kit.clock() + 60_000n;
  const terms = { withdrawalId: randomBytes(32), destination, amountUnits: 2_000n, validUntilMs };
  const name = asset === Asset.TRC20_BTT ? 'TRC20_BTT' : 'TRC10_BTTOLD';
  const digest = kit.digests.withdraw({ ...terms, asset: name, toClaim: false });
  const signature = Buffer.from(sign(digest, owner.privateKey));
  const request = { ...terms, asset, account: owner.address, signature, toClaim: false };
  value(await kit.use.withdrawals.request(request));
  return terms.withdrawalId;
}

async function apply(kit: Kit, part: number, blocks: readonly LogBlock[]): Promise<void> {
  const offset = await kit.use.vouchers.nextOffset(part);
  const record = { offset, key: null, value: encodeLogRecord(blocks), timestampMs: 0 };
  await kit.use.vouchers.apply(part, [record]);
}

function voucher(
  kit: Kit,
  payer: KeyPair,
  payee: KeyPair,
  { channelId, channelNo }: StoredChannel,
  cumulativeUnits: bigint,
): LogBlock {
  const claim = { channelId, payee: payee.address, cumulativeUnits, validUntilMs: FAR };
  const proof = sign(kit.digests.voucher(claim), payer.privateKey);
  return { kind: 'voucher', channelNo, cumulativeUnits, detail: FAR, proof };
}

function bundle(
  kit: Kit,
  payer: KeyPair,
  channels: readonly StoredChannel[],
  cumulativeUnits: bigint,
): LogBlock {
  const leaves = channels.map(({ channelId }) => ({ channelId, cumulativeUnits }));
  const root = bundleRoot(leaves);
  const digest = kit.digests.bundle({ root, count: leaves.length, validUntilMs: FAR });
  const entries = channels.map(({ channelNo }) => ({ channelNo, cumulativeUnits, accepted: true }));
  return { kind: 'bundle', validUntilMs: FAR, signature: sign(digest, payer.privateKey), entries };
}

async function ticks(kit: Kit, payer: KeyPair, payee: KeyPair): Promise<void> {
  const chain = tickChain(randomBytes(32), 20);
  const terms = {
    payer: payer.address,
    payee: payee.address,
    depositUnits: 500n,
    salt: randomBytes(32),
    validUntilMs: kit.clock() + 1_000_000n,
    ticks: {
      chainEnd: Buffer.from(chain[0] as Uint8Array),
      tickValueUnits: 7n,
      ticksMax: 20n,
      baseUnits: 0n,
    },
  };
  const signature = Buffer.from(sign(kit.digests.openChannel(terms), payer.privateKey));
  const channel = value(await kit.use.channels.open({ ...terms, signature, signer: '' }));
  const proof = chain[9] as Uint8Array;
  const { channelNo, part } = channel;
  await apply(kit, part, [{ kind: 'tick', channelNo, cumulativeUnits: 63n, detail: 9n, proof }]);
}

/** A second hash chain, committed to when the first is used up, and a tick of it. */
async function lateTicks(kit: Kit, payer: KeyPair, payee: KeyPair): Promise<void> {
  const { channelId, channelNo, part } = await kit.channel(payer, payee.address, 900n);
  let baseUnits = 0n;
  for (const [tickValueUnits, index] of [
    [10n, 5],
    [3n, 4],
  ] as const) {
    const chain = tickChain(randomBytes(32), 5);
    const chainEnd = Buffer.from(chain[0] as Uint8Array);
    const commitment = { chainEnd, tickValueUnits, ticksMax: 5n, baseUnits };
    const validUntilMs = kit.clock() + 60_000n;
    const digest = kit.digests.commitTicks({ channelId, ticks: commitment, validUntilMs });
    const signature = Buffer.from(sign(digest, payer.privateKey));
    value(await kit.use.ticks.commit({ channelId, ticks: commitment, validUntilMs, signature }));
    const cumulativeUnits = baseUnits + BigInt(index) * tickValueUnits;
    const tick = { cumulativeUnits, detail: BigInt(index), proof: chain[index] as Uint8Array };
    await apply(kit, part, [{ kind: 'tick', channelNo, ...tick }]);
    baseUnits = cumulativeUnits;
  }
}

/** Deposits that nobody could be credited with at first: one still waits, one was given to an account. */
async function suspense(kit: Kit): Promise<void> {
  const asset = Asset.TRC10_BTTOLD;
  const deposit = async (account: string, amountUnits: bigint) => {
    const place = { txid: randomBytes(32), index: 0, blockNumber: 1n, suspense: account === '' };
    const amount = { asset, amountUnits, baseUnits: String(amountUnits) };
    value(await kit.use.deposits.credit({ ...place, ...amount, account }));
    return { txid: place.txid, index: 0, asset, amountUnits };
  };
  await deposit('', 77n);
  const resolved = await deposit('', 78n);
  const account = NEVER_REGISTERED;
  value(await kit.use.suspense.resolve({ ...resolved, account }));
  // What TRC-10 withdrawals are paid from.
  await deposit(account, 50_000n);
}

function end({ channelNo }: StoredChannel): LogBlock {
  const nothing = { cumulativeUnits: 0n, detail: 1n, proof: new Uint8Array(0) };
  return { kind: 'finalize', channelNo, ...nothing };
}

/** Partition that a channel belongs to. */
export const partOf = (channelId: Uint8Array): number => partitionOf(channelId, 8);

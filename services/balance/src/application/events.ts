import {
  Asset,
  assetFromWire,
  type Channel,
  ChannelsRecord,
  type ChannelView,
  LedgerEvent,
  TOPICS,
  type Withdrawal,
} from '#libs/contracts';
import { type Address, type Units, withdrawalStateOf } from '#libs/domain';
import { isCancellable } from '../domain/withdrawal.js';
import { expectedAtMs, type SettlementPace } from '../domain/withdrawal-limits.js';
import type { StoredChannel } from '../repositories/channel.repository.js';
import type { OutboxEvent } from '../repositories/outbox.repository.js';
import type { StoredWithdrawal } from '../repositories/withdrawal.repository.js';

/** A channel as the API and events show it. */
export function channelMessage(channel: StoredChannel): Channel {
  return {
    channelId: channel.channelId,
    payer: channel.payer,
    payee: channel.payee,
    depositUnits: channel.depositUnits,
    cumulativeUnits: channel.cumulativeUnits,
    state: channel.state,
    closesAtMs: channel.closesAtMs ?? 0n,
    ticks: tickCommitment(channel),
    tickIndex: channel.tickIndex,
    openedAtMs: channel.openedAtMs,
    matchId: channel.matchId ?? Buffer.alloc(0),
    signer: channel.signer,
  };
}

/** A channel as ingest needs it. */
export function channelView(channel: StoredChannel): ChannelView {
  return {
    channelId: channel.channelId,
    channelNo: channel.channelNo,
    partition: channel.part,
    payerPublicKey: channel.signerKey ?? Buffer.alloc(0),
    payee: channel.payee,
    depositUnits: channel.depositUnits,
    state: channel.state,
    closesAtMs: channel.closesAtMs ?? 0n,
    ticks: tickCommitment(channel),
    cumulativeUnits: channel.cumulativeUnits,
    tickIndex: channel.tickIndex,
    tickPreimage: channel.tickPreimage ?? Buffer.alloc(0),
  };
}

/** A withdrawal as the API and events show it, with its expectation at a time. */
export function withdrawalMessage(
  withdrawal: StoredWithdrawal,
  pace: SettlementPace,
  nowMs: bigint,
): Withdrawal {
  const waits = isCancellable(withdrawalStateOf(withdrawal.state));
  return {
    withdrawalId: withdrawal.withdrawalId,
    account: withdrawal.account,
    asset: assetFromWire(withdrawal.asset) === undefined ? Asset.UNSPECIFIED : withdrawal.asset,
    destination: withdrawal.destination,
    amountUnits: withdrawal.amountUnits,
    feeUnits: withdrawal.feeUnits,
    state: withdrawal.state,
    failure: withdrawal.failure,
    txid: withdrawal.txid,
    requestedAtMs: withdrawal.requestedAtMs,
    queuePosition: withdrawal.queuePosition,
    expectedAtMs: waits ? expectedAtMs(pace, withdrawal.queuePosition, nowMs) : 0n,
    note: withdrawal.note,
    toClaim: withdrawal.toClaim,
  };
}

/** What is published when a channel opens, begins to close or closes. */
export function channelEvents(channel: StoredChannel, atMs: bigint): OutboxEvent[] {
  return [
    {
      topic: TOPICS.channels.name,
      part: channel.part,
      // One key per state: a late repeat of an older state can then never hide a newer one from
      // somebody who reads the compacted topic; readers keep the furthest state.
      key: Buffer.concat([channel.channelId, Buffer.of(channel.state)]),
      value: Buffer.from(
        ChannelsRecord.encode({
          record: { $case: 'channel', value: channelView(channel) },
        }).finish(),
      ),
      closingChannelNo: channel.state === 2 ? channel.channelNo : undefined,
    },
    ledgerEvent(channel.channelId, { $case: 'channel', value: channelMessage(channel) }, atMs),
  ];
}

/** What is published when a deposit is in an account's balance. */
export function depositEvent(
  account: Address,
  amountUnits: Units,
  txid: Uint8Array,
  atMs: bigint,
): OutboxEvent {
  const value = { account, amountUnits, txid: Buffer.from(txid) };
  return ledgerEvent(txid, { $case: 'deposit', value }, atMs);
}

/** One event of the `ledger-events` topic. Its number is the outbox's, set by the relay. */
export function ledgerEvent(
  key: Uint8Array,
  event: NonNullable<LedgerEvent['event']>,
  atMs: bigint,
): OutboxEvent {
  return {
    topic: TOPICS.ledgerEvents.name,
    part: null,
    key: Buffer.from(key),
    value: Buffer.from(LedgerEvent.encode({ eventNo: 0n, atMs, event }).finish()),
  };
}

/** The record that says: everything committed before this time stands before it. */
export function markRecord(markMs: bigint): Buffer {
  return Buffer.from(
    ChannelsRecord.encode({ record: { $case: 'markMs', value: markMs } }).finish(),
  );
}

/** The hash chain that a channel pays by, if any. */
export function tickCommitment(channel: StoredChannel) {
  if (channel.tickChainEnd === null) return undefined;
  return {
    chainEnd: channel.tickChainEnd,
    tickValueUnits: channel.tickValueUnits ?? 0n,
    ticksMax: channel.ticksMax ?? 0n,
    baseUnits: channel.tickBaseUnits,
  };
}

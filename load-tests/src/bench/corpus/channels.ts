import { keccak_256 } from '@noble/hashes/sha3.js';
import {
  domainSeparator,
  partitionOf,
  TYPES,
  typedDataDigest,
  typeHash,
  uintWord,
} from '#libs/domain';
import { derive, type Party, payeeOfChannel, payerOfGroup } from './accounts.js';
import {
  type CorpusPlan,
  channelAt,
  channelsOfStream,
  DEPOSIT_UNITS,
  LOG_PARTITIONS,
} from './plan.js';
import type { TickChains } from './tick-chains.js';

/** Bytes of a channel in its file: id, hash of the terms, end of the hash chain, its length. */
export const CHANNEL_RECORD = {
  bytes: 100,
  id: 0,
  termsHash: 32,
  chainEnd: 64,
  ticksMax: 96,
} as const;

const OPEN_TYPE = typeHash(TYPES.OpenChannel);
const NO_CHAIN = new Uint8Array(32);
const ZERO = uintWord(0n);
const ONE = uintWord(1n);
const DEPOSIT = uintWord(DEPOSIT_UNITS);

/** The records of a stream's channels, in the order of their handles. */
export function channelRecords(
  plan: CorpusPlan,
  stream: number,
  parties: { readonly payers: readonly Party[]; readonly payees: readonly Party[] },
  chains: TickChains | undefined,
  onProgress: (channels: number) => void = () => undefined,
): Buffer {
  const count = channelsOfStream(plan);
  const records = Buffer.alloc(count * CHANNEL_RECORD.bytes);
  const separator = domainSeparator(plan.domain);
  for (let handle = 0; handle < count; handle++) {
    const channel = channelAt(plan, stream, handle);
    const { payer, payee } = endsOf(plan, channel, parties);
    const { salt, id } = saltOf(plan, channel, payer, payee);
    const ticksMax = chains?.ticksMax(handle) ?? 0;
    const chainEnd = chains?.end(handle) ?? NO_CHAIN;
    const ticks = [uintWord(BigInt(ticksMax)), ticksMax === 0 ? ZERO : ONE] as const;
    const terms = [payer.word, payee.word, DEPOSIT, salt, chainEnd, ticks[1], ticks[0], ZERO];
    const at = handle * CHANNEL_RECORD.bytes;
    records.set(id, at + CHANNEL_RECORD.id);
    records.set(typedDataDigest(separator, OPEN_TYPE, terms), at + CHANNEL_RECORD.termsHash);
    records.set(chainEnd, at + CHANNEL_RECORD.chainEnd);
    records.writeUInt32BE(ticksMax, at + CHANNEL_RECORD.ticksMax);
    if (handle % 1_024 === 1_023) onProgress(1_024);
  }
  return records;
}

/** The payer and the payee of a channel. */
export function endsOf<P extends Party>(
  plan: CorpusPlan,
  channel: number,
  { payers, payees }: { readonly payers: readonly P[]; readonly payees: readonly Party[] },
): { payer: P; payee: Party } {
  const payer = payers[payerOfGroup(plan, Math.floor(channel / plan.groupChannels))];
  const payee = payees[payeeOfChannel(plan, channel)];
  if (payer === undefined || payee === undefined) throw new RangeError(`no channel ${channel}`);
  return { payer, payee };
}

// Salts are tried until the channel lies where the plan wants it, as a payer's client would.
function saltOf(
  plan: CorpusPlan,
  channel: number,
  payer: Party,
  payee: Party,
): { salt: Uint8Array; id: Uint8Array } {
  const home = payerOfGroup(plan, Math.floor(channel / plan.groupChannels)) % plan.partitions;
  for (let attempt = 0; ; attempt++) {
    const salt = derive(plan, 'salt', channel, attempt);
    const id = keccak_256(Buffer.concat([payer.word, payee.word, salt]));
    const partition = partitionOf(id, LOG_PARTITIONS);
    if (plan.proof === 'bundle' ? partition === home : partition < plan.partitions)
      return { salt, id };
  }
}

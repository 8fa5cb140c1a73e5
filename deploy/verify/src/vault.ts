import type { Address, Units } from '#libs/domain';
import { unitsFloor } from '#libs/domain';
import {
  type BlockRef,
  type ChainTransaction,
  callData,
  readAddress,
  readUint,
  readUints,
} from '#libs/tron';
import type { Audit } from './audit.js';
import { UsageError } from './options.js';

/** The chain, and what on it is ours. */
export type OnChain = Pick<Audit, 'chain' | 'place'>;

/** An epoch as the vault keeps it; everything is 0 when there is none of this number. */
export type ChainEpoch = { readonly root: string; readonly totalUnits: Units };

/** Throws a UsageError when the nodes are of another chain than the ledger: its vault may exist on both. */
export async function assertChain({ chain, place }: OnChain): Promise<void> {
  const found = await chain.chainId();
  if (found === place.chainId) return;
  throw new UsageError(`the nodes are of chain ${found}, CHAIN_ID says ${place.chainId}`);
}

/** What the vault says of an epoch. */
export async function epochOnChain(
  { chain, place }: OnChain,
  epochNo: bigint,
): Promise<ChainEpoch> {
  const answer = await chain.view(place.vault, callData('epochs(uint64)', [epochNo]));
  const [root = 0n, totalUnits = 0n] = readUints(answer, 3);
  return { root: root.toString(16).padStart(64, '0'), totalUnits };
}

/** Number of the last epoch that the vault has; 0 before the first. */
export async function lastEpochOnChain({ chain, place }: OnChain): Promise<bigint> {
  return readUint(await chain.view(place.vault, callData('lastEpoch()')));
}

/** Block in which the vault executed a batch; 0 when it has not. */
export async function batchOnChain({ chain, place }: OnChain, id: Buffer): Promise<bigint> {
  const data = callData('executedIn(bytes32)', [`0x${id.toString('hex')}`]);
  return readUint(await chain.view(place.vault, data));
}

/** No chain has so many blocks, and nodes do not take such a number. */
const BLOCKS_MAX = 2n ** 40n;

/** A solidified block, by a number that may be any. */
export async function blockOf({ chain }: OnChain, number: bigint): Promise<BlockRef | undefined> {
  return number < 0n || number > BLOCKS_MAX ? undefined : chain.solidRef(number);
}

/** A transaction in a solidified block. */
export async function transactionIn(
  { chain }: OnChain,
  block: bigint,
  txid: Buffer | null,
): Promise<ChainTransaction | undefined> {
  if (block < 0n || block > BLOCKS_MAX) return undefined;
  const found = await chain.solidBlock(block);
  return found?.transactions.find((each) => each.txid === txid?.toString('hex'));
}

/** The key that may act for the vault. */
export async function hotWalletOf({ chain, place }: OnChain): Promise<Address> {
  return readAddress(await chain.view(place.vault, callData('operator()')));
}

/** What the solidified chain holds for the ledger, in units. */
export async function reservesOf(on: OnChain): Promise<{ trc20: Units; trc10: Units }> {
  const { chain, place } = on;
  const free = readUint(await chain.view(place.vault, callData('freeBaseUnits()')));
  const wallet = await chain.account(await hotWalletOf(on));
  return {
    trc20: unitsFloor('TRC20_BTT', free),
    trc10: unitsFloor('TRC10_BTTOLD', wallet?.trc10.get(place.trc10Id) ?? 0n),
  };
}

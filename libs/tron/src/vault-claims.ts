import type { Address, Units } from '#libs/domain';
import { callData, readUints, topicOf } from './abi.js';
import type { ChainLog, TronChain } from './chain.js';

/** A line of a claim set that was claimed. The set's id is hex. */
export type ClaimedLine = { readonly chainBatchId: string; readonly line: number };

/** A claim set of which the rest was released. */
export type ReleasedClaims = { readonly chainBatchId: string; readonly units: Units };

/** A claim set as the vault keeps it; everything is 0 or empty when there is none of this id. */
export type ClaimSet = {
  /** 32 bytes hex. */
  readonly root: string;
  readonly totalUnits: Units;
  readonly claimedUnits: Units;
  readonly claimableUntilS: bigint;
  readonly released: boolean;
};

const COMMITTED_TOPIC = topicOf('ClaimsCommitted(bytes32,bytes32,uint256,uint256)');
const CLAIMED_TOPIC = topicOf('Claimed(bytes32,uint256,address,uint256)');
const RELEASED_TOPIC = topicOf('ClaimsReleased(bytes32,uint256)');
const SET_WORDS = 5;

/** The id of a `ClaimsCommitted` log of the vault, hex, or undefined when the log is another one. */
export function readClaimsCommitted(log: ChainLog): string | undefined {
  const [kind, chainBatchId] = log.topics;
  return kind === COMMITTED_TOPIC ? chainBatchId : undefined;
}

/** A `Claimed` log of the vault, or undefined when the log is another one. */
export function readClaimed(log: ChainLog): ClaimedLine | undefined {
  const [kind, chainBatchId, line] = log.topics;
  if (kind !== CLAIMED_TOPIC || chainBatchId === undefined || line === undefined) return undefined;
  return { chainBatchId, line: Number(BigInt(`0x${line}`)) };
}

/** A `ClaimsReleased` log of the vault, or undefined when the log is another one. */
export function readClaimsReleased(log: ChainLog): ReleasedClaims | undefined {
  const [kind, chainBatchId] = log.topics;
  if (kind !== RELEASED_TOPIC || chainBatchId === undefined) return undefined;
  return { chainBatchId, units: BigInt(`0x${log.data}`) };
}

/** Call data of `claim(leaf, proof)`: whoever sends it, the payee of the leaf is paid. */
export function claimData(leaf: Uint8Array, proof: Uint8Array): Uint8Array {
  return callData('claim(bytes,bytes)', [leaf, proof]);
}

/** What a vault has of a claim set, on the solidified chain. */
export async function claimSetOf(
  chain: Pick<TronChain, 'view'>,
  vault: Address,
  chainBatchId: Uint8Array,
): Promise<ClaimSet> {
  const id = `0x${Buffer.from(chainBatchId).toString('hex')}`;
  const answer = await chain.view(vault, callData('claimSets(bytes32)', [id]));
  const [root = 0n, totalUnits = 0n, claimedUnits = 0n, claimableUntilS = 0n, released = 0n] =
    readUints(answer, SET_WORDS);
  return {
    root: root.toString(16).padStart(64, '0'),
    totalUnits,
    claimedUnits,
    claimableUntilS,
    released: released !== 0n,
  };
}

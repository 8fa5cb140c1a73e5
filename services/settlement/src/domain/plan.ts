import { sha256 } from '@noble/hashes/sha2.js';
import { type Address, type AssetName, concatBytes, type Units } from '#libs/domain';

/** A payout that may be put into a batch. */
export type Payable = {
  readonly withdrawalId: Uint8Array;
  readonly asset: AssetName;
  readonly destination: Address;
  readonly units: Units;
  /** How often a batch with it has failed. */
  readonly failures: number;
};

/** A batch to be: what one transaction will pay. */
export type PlannedBatch = {
  readonly asset: AssetName;
  readonly payouts: readonly Payable[];
  readonly totalUnits: Units;
};

/**
 * Groups payouts, oldest first, into transactions. TRC-20 payouts share a vault batch of at most
 * `recipientsMax`; one that was in a failed batch goes alone, so that it cannot fail others again.
 * TRC-10 has no batches: one transaction each.
 */
export function planBatches(payables: readonly Payable[], recipientsMax: number): PlannedBatch[] {
  if (recipientsMax < 1) throw new RangeError('a batch pays at least one recipient');
  const shared = payables.filter(({ asset, failures }) => asset === 'TRC20_BTT' && failures === 0);
  const alone = payables.filter(({ asset, failures }) => asset !== 'TRC20_BTT' || failures > 0);
  const groups: Payable[][] = [];
  for (let at = 0; at < shared.length; at += recipientsMax) {
    groups.push(shared.slice(at, at + recipientsMax));
  }
  for (const payable of alone) groups.push([payable]);
  return groups.map((payouts) => ({
    asset: payouts[0]?.asset ?? 'TRC20_BTT',
    payouts,
    totalUnits: payouts.reduce((sum, { units }) => sum + units, 0n),
  }));
}

/**
 * The id under which the vault executes a batch at most once. It depends on the vault, the batch's
 * number and whom it pays: all attempts of a batch share it, and a database restored from an old
 * copy cannot reuse it for other payouts.
 */
export function chainBatchId(
  vault: { readonly chainId: bigint; readonly address: Address },
  batchNo: bigint,
  payouts: readonly Payable[],
): Uint8Array {
  const text = new TextEncoder();
  const head = `swarmledger batch ${vault.chainId} ${vault.address} ${batchNo}`;
  const lines = payouts.map(({ withdrawalId, destination, units }) =>
    sha256(concatBytes(withdrawalId, text.encode(`${destination} ${units}`))),
  );
  return sha256(concatBytes(sha256(text.encode(head)), ...lines));
}

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
  /** Its payee fetches it. */
  readonly toClaim: boolean;
  /** The most payees of its next batch, since a larger one has failed; null: as many as any. */
  readonly batchMax: number | null;
};

/** A batch to be: what one transaction will pay. */
export type PlannedBatch = {
  readonly asset: AssetName;
  readonly payouts: readonly Payable[];
  readonly totalUnits: Units;
  /** It waits until an operator lets it through. */
  readonly needsApproval: boolean;
  /** Its payouts are reserved in the vault, to be claimed. */
  readonly toClaim: boolean;
};

/** Bounds of batches. */
export type PlanLimits = {
  readonly recipientsMax: number;
  /** A batch of so many units or more needs an operator's approval. */
  readonly approvalUnits: Units;
};

/**
 * Groups payouts, oldest first, into transactions. TRC-20 payouts share a vault batch of at most
 * `recipientsMax`: those that are sent one, those that are claimed another. Those of a batch that failed go in halves of it. One that has failed goes alone, so that it
 * cannot fail others again, and so does one that needs approval by itself, so that others do not wait with it. TRC-10 has no batches: one transaction each.
 */
export function planBatches(payables: readonly Payable[], limits: PlanLimits): PlannedBatch[] {
  const { recipientsMax, approvalUnits } = limits;
  if (recipientsMax < 1) throw new RangeError('a batch pays at least one recipient');
  const shares = ({ asset, failures, units }: Payable) =>
    asset === 'TRC20_BTT' && failures === 0 && units < approvalUnits;
  const alone = payables.filter((payable) => !shares(payable));
  const groups: Payable[][] = [];
  for (const claims of [false, true]) {
    const shared = payables.filter((payable) => shares(payable) && payable.toClaim === claims);
    const bySize = Map.groupBy(shared, ({ batchMax }) =>
      Math.min(batchMax ?? Infinity, recipientsMax),
    );
    for (const [size, some] of bySize) {
      for (let at = 0; at < some.length; at += size) groups.push(some.slice(at, at + size));
    }
  }
  for (const payable of alone) groups.push([payable]);
  return groups.map((payouts) => {
    const totalUnits = payouts.reduce((sum, { units }) => sum + units, 0n);
    const { asset, toClaim } = payouts[0] ?? { asset: 'TRC20_BTT' as const, toClaim: false };
    return { asset, payouts, totalUnits, needsApproval: totalUnits >= approvalUnits, toClaim };
  });
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

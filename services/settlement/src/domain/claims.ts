import {
  type Address,
  leafBytes,
  type PayoutLeaf,
  type SumRoot,
  SumTree,
  type Units,
} from '#libs/domain';

/** What the owner of an unclaimed withdrawal reads. */
export const UNCLAIMED = 'nobody claimed it in time';

/** One line of a claim set. */
export type ClaimLine = { readonly destination: Address; readonly units: Units };

/** What one payee claims with, as docs/vault.md lays it out. */
export type Claim = SumRoot & { readonly leaf: Uint8Array; readonly proof: Uint8Array };

/** The tree of a claim set: one leaf for each line of the batch. */
export function claimTree(chainBatchId: Uint8Array, lines: readonly ClaimLine[]): SumTree {
  return new SumTree(lines.map((_line, at) => leafOf(chainBatchId, lines, at)));
}

/** Leaf and proof of one line, with root and total of the set. Throws a RangeError when there is no such line. */
export function claimOf(
  chainBatchId: Uint8Array,
  lines: readonly ClaimLine[],
  line: number,
): Claim {
  const leaf = leafOf(chainBatchId, lines, line);
  const tree = claimTree(chainBatchId, lines);
  return { leaf: leafBytes(leaf), proof: tree.prove(leaf), ...tree.root };
}

function leafOf(chainBatchId: Uint8Array, lines: readonly ClaimLine[], at: number): PayoutLeaf {
  const line = lines[at];
  if (line === undefined) throw new RangeError(`the batch has no line ${at}`);
  const { destination: payee, units } = line;
  return { kind: 'payout', chainBatchId, line: at, payee, units };
}

/** The deadline of claims that are committed about now, in whole seconds of the chain. */
export function deadlineS(headTimestampMs: bigint, windowMs: bigint): bigint {
  return (headTimestampMs + windowMs) / 1_000n;
}

/** What the owner of a claimable withdrawal reads. */
export function claimableNote(claimableUntilS: bigint): string {
  const until = new Date(Number(claimableUntilS) * 1_000).toISOString();
  return `it can be claimed until ${until}; what is not claimed by then goes back to the balance`;
}

import { keyPairOf, sha256, sign } from '#libs/crypto';
import {
  addressFromBytes,
  type BundleLeaf,
  bundleRoot,
  Digests,
  type SigningDomain,
  tickChain,
} from '#libs/domain';
import type { ProofBatch } from './proof-verifier.js';

/** Arguments of the add methods, so that one proof can be given to several verifiers. */
export type VoucherProof = Parameters<ProofBatch['addVoucher']>;
export type TickProof = Parameters<ProofBatch['addTick']>;
export type BundleProof = {
  readonly head: Parameters<ProofBatch['addBundle']>;
  readonly leaves: readonly BundleLeaf[];
};
export type AnyProof =
  | { readonly kind: 'voucher'; readonly proof: VoucherProof }
  | { readonly kind: 'tick'; readonly proof: TickProof }
  | { readonly kind: 'bundle'; readonly proof: BundleProof };

export const DOMAIN: SigningDomain = {
  chainId: 3_448_148_188n,
  vaultAddress: addressFromBytes(new Uint8Array(20).fill(9)),
};
export const VALID_UNTIL_MS = 1_800_000_000_000n;

/** Bytes that depend on a number only. */
export function bytesOf(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 32) {
    bytes.set(sha256(Buffer.from(`${seed}/${at}`)).subarray(0, length - at), at);
  }
  return bytes;
}

export function keysOf(seed: number) {
  return keyPairOf(bytesOf(32, seed));
}

/** A voucher that holds, unless it is signed for another domain. */
export function voucherOf(seed: number, cumulativeUnits = 5n, domain = DOMAIN): VoucherProof {
  const keys = keysOf(seed);
  const channelId = bytesOf(32, seed + 1);
  const payee = bytesOf(20, seed + 2);
  const digest = new Digests(domain).voucher({
    channelId,
    payee: addressFromBytes(payee),
    cumulativeUnits,
    validUntilMs: VALID_UNTIL_MS,
  });
  const signature = sign(digest, keys.privateKey);
  return [keys.publicKey, channelId, payee, cumulativeUnits, VALID_UNTIL_MS, signature];
}

/** A tick that holds. */
export function tickOf(seed: number, steps: number): TickProof {
  const chain = tickChain(bytesOf(32, seed), steps, sha256);
  return [chain[steps]!, steps, chain[0]!];
}

/** A bundle that holds, unless it is signed for another domain. */
export function bundleOf(seed: number, count: number, domain = DOMAIN): BundleProof {
  const keys = keysOf(seed);
  const leaves = Array.from({ length: count }, (_, at) => ({
    channelId: bytesOf(32, seed * 1000 + at),
    cumulativeUnits: BigInt(at * seed + 1),
  }));
  const root = bundleRoot(leaves, sha256);
  const digest = new Digests(domain).bundle({ root, count, validUntilMs: VALID_UNTIL_MS });
  return { head: [keys.publicKey, VALID_UNTIL_MS, sign(digest, keys.privateKey), count], leaves };
}

export function addProof(batch: ProofBatch, one: AnyProof): void {
  if (one.kind === 'voucher') batch.addVoucher(...one.proof);
  else if (one.kind === 'tick') batch.addTick(...one.proof);
  else {
    batch.addBundle(...one.proof.head);
    for (const { channelId, cumulativeUnits } of one.proof.leaves) {
      batch.addBundleEntry(channelId, cumulativeUnits);
    }
  }
}

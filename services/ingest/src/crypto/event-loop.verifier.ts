import { setImmediate as nextTurn } from 'node:timers/promises';
import { sha256, verify } from '#libs/crypto';
import {
  domainSeparator,
  hashesForward,
  type SigningDomain,
  TYPES,
  typedDataDigest,
  typeHash,
  uintWord,
} from '#libs/domain';
import type { VerifyClaims } from '../application/ports.js';
import { payeeWordOf } from '../domain/channel.js';
import { type Claim, proofCost } from '../domain/claim.js';

const VOUCHER = typeHash(TYPES.Voucher);

// About 3 ms: requests, answers and news of channels get their turn between two slices.
const SLICE_CHECKS = 64;

/** Checks proofs on the event loop, a slice at a time, with the native curve and hash. */
export class EventLoopVerifier implements VerifyClaims {
  readonly #separator: Uint8Array;

  constructor(domain: SigningDomain) {
    this.#separator = domainSeparator(domain);
  }

  async verify(claims: readonly Claim[]): Promise<readonly boolean[]> {
    const holds: boolean[] = [];
    let spent = 0;
    for (const claim of claims) {
      spent += proofCost(claim);
      holds.push(claim.kind === 'voucher' ? this.#signed(claim) : chained(claim));
      if (spent < SLICE_CHECKS) continue;
      spent = 0;
      await nextTurn();
    }
    return holds;
  }

  #signed({ channel, cumulativeUnits, detail, proof }: Claim): boolean {
    // The same words as Digests.voucher; the payee's is made once per channel, not per voucher.
    const digest = typedDataDigest(this.#separator, VOUCHER, [
      channel.id,
      payeeWordOf(channel),
      uintWord(cumulativeUnits),
      uintWord(detail),
    ]);
    return verify(digest, proof, channel.payerKey);
  }
}

function chained({ channel, detail, proof }: Claim): boolean {
  const steps = Number(detail - channel.tickIndex);
  return steps > 0 && hashesForward(proof, steps, channel.tickPreimage, sha256);
}

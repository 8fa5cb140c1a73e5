import { secp256k1 } from '@noble/curves/secp256k1.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressFromBytes, Digests } from '#libs/domain';
import { createLogger } from '#libs/observability';
import { EventLoopVerifier } from './event-loop.verifier.js';
import type { ProofVerifier } from './proof-verifier.js';
import {
  type AnyProof,
  addProof,
  bundleOf,
  bytesOf,
  DOMAIN,
  keysOf,
  tickOf,
  type VoucherProof,
  voucherOf,
} from './proofs.kit.js';
import { WorkerPoolVerifier } from './worker-pool.verifier.js';

const ORDER = secp256k1.Point.Fn.ORDER;
const PRIME = secp256k1.Point.Fp.ORDER;
const logger = createLogger({ name: 'test', level: 'silent' });
const plain = new EventLoopVerifier(DOMAIN);
let pool: WorkerPoolVerifier;
beforeAll(async () => {
  pool = await WorkerPoolVerifier.start({ domain: DOMAIN, logger, threads: 1 });
});
afterAll(() => pool.close());

async function judge(verifier: ProofVerifier, proof: AnyProof) {
  const batch = verifier.batch();
  addProof(batch, proof);
  return [...(await verifier.verify(batch))][0] === 1;
}

/** What the second library says, with digests from the first. */
function second([key, channelId, payee, cumulativeUnits, validUntilMs, signature]: VoucherProof) {
  const digest = new Digests(DOMAIN).voucher({
    channelId,
    payee: addressFromBytes(payee),
    cumulativeUnits,
    validUntilMs,
  });
  try {
    return secp256k1.verify(signature, digest, key, { prehash: false, lowS: true });
  } catch {
    return false;
  }
}

const word = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
const good = voucherOf(1);
const [key, , , , , signature] = good;
const r = BigInt(`0x${Buffer.from(signature.subarray(0, 32)).toString('hex')}`);
const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
const signed = (bytes: Uint8Array): VoucherProof => [
  good[0],
  good[1],
  good[2],
  good[3],
  good[4],
  bytes,
];
const by = (bytes: Uint8Array): VoucherProof => [
  bytes,
  good[1],
  good[2],
  good[3],
  good[4],
  good[5],
];
const rs = (newR: bigint, newS: bigint) => signed(Buffer.concat([word(newR), word(newS)]));
const point = (x: bigint, y: bigint, prefix = 4) =>
  by(Buffer.concat([Buffer.of(prefix), word(x), word(y)]));
const y = BigInt(`0x${Buffer.from(key.subarray(33)).toString('hex')}`);
const x = BigInt(`0x${Buffer.from(key.subarray(1, 33)).toString('hex')}`);
// The smallest x of a point: x + p still fits 32 bytes, a second spelling of the same point.
const small = secp256k1.Point.fromBytes(Buffer.concat([Buffer.of(2), word(1n)]));

const CASES: readonly [string, VoucherProof][] = [
  ['high S', rs(r, ORDER - s)],
  ['S just above half the order', rs(r, ORDER / 2n + 1n)],
  ['S at half the order', rs(r, ORDER / 2n)],
  ['R = 0', rs(0n, s)],
  ['S = 0', rs(r, 0n)],
  ['R and S = 0', rs(0n, 0n)],
  ['R = n', rs(ORDER, s)],
  ['S = n', rs(r, ORDER)],
  ['R = n + R', rs((r + ORDER) % 2n ** 256n, s)],
  ['S = n + S', rs(r, (s + ORDER) % 2n ** 256n)],
  ['R = p', rs(PRIME, s)],
  ['R and S all ones', rs(2n ** 256n - 1n, 2n ** 256n - 1n)],
  ['R = 1, S = 1', rs(1n, 1n)],
  ['R = n − 1', rs(ORDER - 1n, s)],
  ['R and S swapped', rs(s, r)],
  ['63 bytes', signed(signature.subarray(0, 63))],
  ['65 bytes, with a recovery number', signed(Buffer.concat([signature, Buffer.of(0)]))],
  ['66 bytes', signed(Buffer.concat([signature, Buffer.of(0, 0)]))],
  ['no bytes', signed(new Uint8Array(0))],
  ['DER', signed(secp256k1.Signature.fromBytes(signature).toBytes('der'))],
  ['a key off the curve', point(x, y ^ 1n)],
  ['a key of zeros', point(0n, 0n)],
  ['a key with y = 0', point(x, 0n)],
  ['a key with x = p', point(PRIME, y)],
  ['a key with y = p', point(x, PRIME)],
  ['a key spelled with x + p', point(small.x + PRIME, small.y)],
  ['a key all ones', point(2n ** 256n - 1n, 2n ** 256n - 1n)],
  ['the negated key', point(x, PRIME - y)],
  ['a key of 64 bytes', by(key.subarray(1))],
  ['a key of prefix 5', point(x, y, 5)],
  ['another key', by(keysOf(77).publicKey)],
];

describe('two libraries refuse', () => {
  it.each(CASES)('%s', async (_name, proof) => {
    const two = await Promise.all(
      [pool, plain].map((one) => judge(one, { kind: 'voucher', proof })),
    );
    expect([...two, second(proof)]).toEqual([false, false, false]);
  });
});

describe('a key has one spelling here', () => {
  it.each([
    ['prefix 6', point(x, y, 6)],
    ['prefix 7', point(x, y, 7)],
    ['compression', by(secp256k1.Point.fromBytes(key).toBytes(true))],
  ])('so that with %s is refused, whatever a library says', async (_name, proof) => {
    for (const one of [pool, plain])
      expect(await judge(one, { kind: 'voucher', proof })).toBe(false);
  });
});

it('both libraries take what was signed', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const proof = voucherOf(seed, BigInt(seed) ** 14n);
    expect(second(proof)).toBe(true);
    for (const one of [pool, plain])
      expect(await judge(one, { kind: 'voucher', proof })).toBe(true);
  }
});

describe('a signature counts for one message of one ledger', () => {
  const elsewhere = { chainId: DOMAIN.chainId + 1n, vaultAddress: DOMAIN.vaultAddress };
  const otherVault = {
    chainId: DOMAIN.chainId,
    vaultAddress: addressFromBytes(new Uint8Array(20)),
  };
  const changed = (at: number, value: unknown) =>
    good.map((part, i) => (i === at ? value : part)) as VoucherProof;
  const bundle = bundleOf(5, 5);
  const leaf = (at: number, cumulativeUnits: bigint) =>
    bundle.leaves.map((one, i) => (i === at ? { ...one, cumulativeUnits } : one));
  const [preimage, steps, anchor] = tickOf(3, 10);
  const CLAIMS: readonly [string, AnyProof][] = [
    ['another chain', { kind: 'voucher', proof: voucherOf(1, 5n, elsewhere) }],
    ['another vault', { kind: 'voucher', proof: voucherOf(1, 5n, otherVault) }],
    ['another channel', { kind: 'voucher', proof: changed(1, bytesOf(32, 99)) }],
    ['another payee', { kind: 'voucher', proof: changed(2, bytesOf(20, 99)) }],
    ['another amount', { kind: 'voucher', proof: changed(3, 6n) }],
    ['an amount of 2⁶⁴ more', { kind: 'voucher', proof: changed(3, 5n + 2n ** 64n) }],
    ['another validity', { kind: 'voucher', proof: changed(4, 1n) }],
    ['a bundle of another chain', { kind: 'bundle', proof: bundleOf(5, 5, elsewhere) }],
    ['a bundle with another amount', { kind: 'bundle', proof: { ...bundle, leaves: leaf(4, 1n) } }],
    [
      'a bundle in another order',
      { kind: 'bundle', proof: { ...bundle, leaves: bundle.leaves.toReversed() } },
    ],
    [
      'a voucher’s signature on a bundle',
      {
        kind: 'bundle',
        proof: { head: [key, bundle.head[1], signature, 5], leaves: bundle.leaves },
      },
    ],
    ['a tick of too few steps', { kind: 'tick', proof: [preimage, steps - 1, anchor] }],
    ['a tick of too many steps', { kind: 'tick', proof: [preimage, steps + 1, anchor] }],
    ['a tick that is the anchor itself', { kind: 'tick', proof: [anchor, 0, anchor] }],
  ];

  it.each(CLAIMS)('not for %s', async (_name, proof) => {
    for (const one of [pool, plain]) expect(await judge(one, proof)).toBe(false);
  });
});

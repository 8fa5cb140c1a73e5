import { keyPairOf, sha256, sign, verify } from '#libs/crypto';

/** What one core of this machine does. */
export type RawLimits = { readonly verifyPerSecond: number; readonly sha256PerSecond: number };

const KEYS = 256;

/**
 * Measures one core: signatures of 256 keys in turn, each a 65-byte key over a 32-byte digest, and
 * SHA-256 of 32 bytes by Node's one-shot hash, which is what the ledger uses for both.
 */
export function measureRawLimits(seconds: number): RawLimits {
  const samples = Array.from({ length: KEYS }, (_, number) => {
    const keys = keyPairOf(sha256(Buffer.from(`raw limit ${number}`)));
    const digest = sha256(Buffer.from(`message ${number}`));
    return { digest, publicKey: keys.publicKey, signature: sign(digest, keys.privateKey) };
  });
  let held = true;
  const verifyPerSecond = perSecond(seconds, KEYS, () => {
    for (const { digest, signature, publicKey } of samples) {
      held = verify(digest, signature, publicKey) && held;
    }
  });
  if (!held) throw new Error('a good signature did not verify');
  let value: Uint8Array = new Uint8Array(32);
  const sha256PerSecond = perSecond(seconds, 1_000, () => {
    for (let turn = 0; turn < 1_000; turn++) value = sha256(value);
  });
  return { verifyPerSecond, sha256PerSecond };
}

function perSecond(seconds: number, each: number, work: () => void): number {
  const warmUntil = performance.now() + 250 * seconds;
  while (performance.now() < warmUntil) work();
  const start = performance.now();
  let done = 0;
  while (performance.now() - start < seconds * 1_000) {
    work();
    done += each;
  }
  return (done * 1_000) / (performance.now() - start);
}

import { randomBytes } from 'node:crypto';
import type { CancelOrderRequest, PlaceAskRequest, PlaceBidRequest } from '#libs/contracts';
import { type KeyPair, keyPairOf, sign } from '#libs/crypto';
import { Digests } from '#libs/domain';

/** The signing domain of the tests. */
export const DOMAIN = { chainId: 31_337n, vaultAddress: 'TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy' };
export const digests = new Digests(DOMAIN);

/** A new key pair. */
export const trader = (): KeyPair => keyPairOf(randomBytes(32));

/** A swarm that no other test uses. */
export const someSwarm = (): Buffer => randomBytes(20);

const inAnHour = () => BigInt(Date.now()) + 3_600_000n;

/** A signed offer: one slot at a reserve of 5 unless said otherwise. */
export function signedAsk(key: KeyPair, fields: Partial<PlaceAskRequest> = {}): PlaceAskRequest {
  const ask = {
    orderId: randomBytes(32),
    provider: key.address,
    swarm: Buffer.alloc(20, 1),
    slots: 1,
    slotRateMib: 2,
    reservePriceUnits: 5n,
    expiresAtMs: inAnHour(),
    publicKey: Buffer.from(key.publicKey),
    ...fields,
  };
  return { ...ask, signature: Buffer.from(sign(digests.ask(ask), key.privateKey)) };
}

/** A signed bid: one slot of 10 MiB at a limit of 9 unless said otherwise. */
export function signedBid(key: KeyPair, fields: Partial<PlaceBidRequest> = {}): PlaceBidRequest {
  const bid = {
    orderId: randomBytes(32),
    requester: key.address,
    swarm: Buffer.alloc(20, 1),
    slots: 1,
    priceLimitUnits: 9n,
    volumeMib: 10n,
    budgetUnits: 1_000n,
    expiresAtMs: inAnHour(),
    ...fields,
  };
  return { ...bid, signature: Buffer.from(sign(digests.bid(bid), key.privateKey)) };
}

/** A signed cancellation. */
export function signedCancel(key: KeyPair, orderId: Buffer): CancelOrderRequest {
  const validUntilMs = inAnHour();
  return {
    orderId,
    validUntilMs,
    publicKey: Buffer.from(key.publicKey),
    signature: Buffer.from(sign(digests.cancelOrder(orderId, validUntilMs), key.privateKey)),
  };
}

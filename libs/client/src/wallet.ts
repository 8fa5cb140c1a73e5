import { randomBytes } from 'node:crypto';
import {
  type Asset,
  assetToWire,
  type Bundle,
  type CancelOrderRequest,
  type CancelWithdrawalRequest,
  type CloseChannelRequest,
  type CommitTicksRequest,
  type DelegateSessionKeyRequest,
  type OpenChannelRequest,
  type PlaceAskRequest,
  type PlaceBidRequest,
  type RegisterAccountRequest,
  type RequestWithdrawalRequest,
  type RevokeSessionKeyRequest,
  type TransferRequest,
  type Voucher,
} from '#libs/contracts';
import { type KeyPair, keyPairOf, parsePublicKey, sha256, sign } from '#libs/crypto';
import {
  type Address,
  type AssetName,
  addressOfPublicKey,
  type BundleLeaf,
  bundleRoot,
  type ChannelTerms,
  Digests,
  LIMITS,
  type SigningDomain,
  type TickCommitment,
  toHex,
  type Units,
  type VoucherClaim,
} from '#libs/domain';
import { toBuffer } from './bytes.js';

/** A new id or salt: 32 random bytes. */
export function newId(): Buffer {
  return randomBytes(32);
}

/** What a session key may do: the bytes of its public key (33 or 65), and its bounds. */
export type SessionKeyTerms = {
  readonly publicKey: Uint8Array;
  readonly capUnits: Units;
  readonly expiresAtMs: bigint;
};

/**
 * One key pair on one ledger: makes and signs every message of the API. It never does I/O. It may be an
 * account's own key or a session key of another account, for which it then opens channels and pays.
 */
export class Wallet {
  readonly address: Address;
  /** 65 bytes, uncompressed. */
  readonly publicKey: Uint8Array;
  readonly digests: Digests;
  readonly #keys: KeyPair;

  /** Takes 32 private bytes; throws when they are not a key. */
  constructor(privateKey: Uint8Array, domain: SigningDomain) {
    this.#keys = keyPairOf(privateKey);
    this.address = this.#keys.address;
    this.publicKey = this.#keys.publicKey;
    this.digests = new Digests(domain);
  }

  /** A wallet with a new random key. */
  static generate(domain: SigningDomain): Wallet {
    return new Wallet(newId(), domain);
  }

  /** The private key, to store it: hex without prefix. */
  exportKey(): string {
    return toHex(this.#keys.privateKey);
  }

  /** Signs a 32-byte digest: r ‖ s, 64 bytes, low-S. */
  sign(digest: Uint8Array): Buffer {
    return toBuffer(sign(digest, this.#keys.privateKey));
  }

  /** Text of the session metadata. */
  session(validUntilMs: bigint): string {
    const signature = this.sign(this.digests.session(this.address, validUntilMs));
    return `${this.address}.${validUntilMs}.${toHex(signature)}`;
  }

  register(): RegisterAccountRequest {
    return {
      publicKey: toBuffer(this.publicKey),
      signature: this.sign(this.digests.register(this.address)),
    };
  }

  voucher(claim: VoucherClaim): Voucher {
    const channelId = toBuffer(claim.channelId);
    return { ...claim, channelId, signature: this.sign(this.digests.voucher(claim)) };
  }

  /**
   * One signature for many channels of this wallet, all of one partition of the voucher log (see
   * `saltFor`). The entries' order is part of what is signed. Throws a RangeError for no entries,
   * too many, or a channel named twice.
   */
  signBundle(entries: readonly BundleLeaf[], validUntilMs: bigint): Bundle {
    const ids = new Set(entries.map(({ channelId }) => toHex(channelId)));
    if (entries.length > LIMITS.bundleEntriesMax || ids.size < entries.length) {
      throw new RangeError(
        `a bundle has at most ${LIMITS.bundleEntriesMax} entries, each of another channel`,
      );
    }
    const root = bundleRoot(entries, sha256);
    const digest = this.digests.bundle({ root, count: entries.length, validUntilMs });
    return {
      entries: entries.map((leaf) => ({ ...leaf, channelId: toBuffer(leaf.channelId) })),
      validUntilMs,
      signature: this.sign(digest),
    };
  }

  transfer(t: Omit<TransferRequest, 'payer' | 'signature'>): TransferRequest {
    return { ...t, payer: this.address, signature: this.sign(this.digests.transfer(t)) };
  }

  /** Lets another key open channels for this account. Throws a TypeError when the bytes are no public key. */
  delegateSessionKey(terms: SessionKeyTerms, validUntilMs: bigint): DelegateSessionKeyRequest {
    const publicKey = parsePublicKey(terms.publicKey);
    if (publicKey === undefined) throw new TypeError('a public key has 33 or 65 bytes');
    const { capUnits, expiresAtMs } = terms;
    const request = { account: this.address, capUnits, expiresAtMs, validUntilMs };
    const digest = this.digests.delegateSessionKey({
      ...request,
      key: addressOfPublicKey(publicKey),
    });
    return { ...request, publicKey: toBuffer(publicKey), signature: this.sign(digest) };
  }

  revokeSessionKey(key: Address, validUntilMs: bigint): RevokeSessionKeyRequest {
    const request = { account: this.address, key, validUntilMs };
    return { ...request, signature: this.sign(this.digests.revokeSessionKey(request)) };
  }

  /** Without `payer` the channel is this key's own account's; with it this is a session key of the payer. */
  openChannel(
    terms: Omit<ChannelTerms, 'payer'> & { readonly payer?: Address | undefined },
  ): OpenChannelRequest {
    const full = { ...terms, payer: terms.payer ?? this.address };
    const { ticks } = full;
    return {
      ...full,
      signer: full.payer === this.address ? '' : this.address,
      salt: toBuffer(full.salt),
      ticks: ticks && { ...ticks, chainEnd: toBuffer(ticks.chainEnd), baseUnits: 0n },
      signature: this.sign(this.digests.openChannel(full)),
    };
  }

  closeChannel(channelId: Uint8Array, validUntilMs: bigint): CloseChannelRequest {
    const signature = this.sign(this.digests.closeChannel(channelId, validUntilMs));
    return { channelId: toBuffer(channelId), closer: this.address, validUntilMs, signature };
  }

  /** Commits an open channel to a chain that begins at `ticks.baseUnits`. */
  commitTicks(
    channelId: Uint8Array,
    ticks: TickCommitment,
    validUntilMs: bigint,
  ): CommitTicksRequest {
    const signature = this.sign(this.digests.commitTicks({ channelId, ticks, validUntilMs }));
    return {
      channelId: toBuffer(channelId),
      ticks: { ...ticks, chainEnd: toBuffer(ticks.chainEnd) },
      validUntilMs,
      signature,
    };
  }

  withdraw(w: {
    readonly withdrawalId: Uint8Array;
    readonly asset: AssetName;
    readonly destination: Address;
    readonly amountUnits: bigint;
    readonly validUntilMs: bigint;
    /** True: the destination fetches it from the vault with a proof; TRC-20 only. */
    readonly toClaim?: boolean | undefined;
  }): RequestWithdrawalRequest {
    const toClaim = w.toClaim === true;
    const asset: Asset = assetToWire(w.asset);
    const signature = this.sign(this.digests.withdraw({ ...w, toClaim }));
    return {
      ...w,
      toClaim,
      withdrawalId: toBuffer(w.withdrawalId),
      asset,
      account: this.address,
      signature,
    };
  }

  cancelWithdrawal(withdrawalId: Uint8Array, validUntilMs: bigint): CancelWithdrawalRequest {
    const signature = this.sign(this.digests.cancelWithdrawal(withdrawalId, validUntilMs));
    return { withdrawalId: toBuffer(withdrawalId), validUntilMs, signature };
  }

  ask(a: Omit<PlaceAskRequest, 'provider' | 'publicKey' | 'signature'>): PlaceAskRequest {
    const signature = this.sign(this.digests.ask(a));
    return { ...a, provider: this.address, publicKey: toBuffer(this.publicKey), signature };
  }

  bid(b: Omit<PlaceBidRequest, 'requester' | 'signature'>): PlaceBidRequest {
    return { ...b, requester: this.address, signature: this.sign(this.digests.bid(b)) };
  }

  cancelOrder(orderId: Uint8Array, validUntilMs: bigint): CancelOrderRequest {
    const signature = this.sign(this.digests.cancelOrder(orderId, validUntilMs));
    return {
      orderId: toBuffer(orderId),
      validUntilMs,
      publicKey: toBuffer(this.publicKey),
      signature,
    };
  }
}

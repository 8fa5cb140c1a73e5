import { keccak_256 } from '@noble/hashes/sha3.js';
import type { Address } from './address.js';
import { concatBytes } from './bytes.js';
import type { AssetName, Units } from './money.js';
import {
  addressWord,
  bytesWord,
  domainSeparator,
  type SigningDomain,
  typedDataDigest,
  typeHash,
  uintWord,
} from './typed-data.js';

/** Struct types of everything that is signed, as TIP-712 writes them. docs/signing.md lists the same. */
export const TYPES = {
  Register: 'Register(address account)',
  Session: 'Session(address account,uint256 validUntilMs)',
  Voucher: 'Voucher(bytes32 channelId,address payee,uint256 cumulativeUnits,uint256 validUntilMs)',
  Bundle: 'Bundle(bytes32 root,uint256 count,uint256 validUntilMs)',
  Transfer: 'Transfer(bytes32 transferId,address payee,uint256 amountUnits,uint256 validUntilMs)',
  DelegateSessionKey:
    'DelegateSessionKey(address account,address key,uint256 capUnits,uint256 expiresAtMs,uint256 validUntilMs)',
  RevokeSessionKey: 'RevokeSessionKey(address account,address key,uint256 validUntilMs)',
  OpenChannel:
    'OpenChannel(address payer,address payee,uint256 depositUnits,bytes32 salt,bytes32 tickChainEnd,uint256 tickValueUnits,uint256 ticksMax,uint256 validUntilMs)',
  CloseChannel: 'CloseChannel(bytes32 channelId,uint256 validUntilMs)',
  CommitTicks:
    'CommitTicks(bytes32 channelId,bytes32 tickChainEnd,uint256 tickValueUnits,uint256 ticksMax,uint256 baseUnits,uint256 validUntilMs)',
  Withdraw:
    'Withdraw(bytes32 withdrawalId,uint256 asset,address destination,uint256 amountUnits,uint256 validUntilMs)',
  WithdrawToClaim:
    'WithdrawToClaim(bytes32 withdrawalId,uint256 asset,address destination,uint256 amountUnits,uint256 validUntilMs)',
  CancelWithdrawal: 'CancelWithdrawal(bytes32 withdrawalId,uint256 validUntilMs)',
  Ask: 'Ask(bytes32 orderId,bytes swarm,uint256 slots,uint256 slotRateMib,uint256 reservePriceUnits,uint256 expiresAtMs)',
  Bid: 'Bid(bytes32 orderId,bytes swarm,uint256 slots,uint256 priceLimitUnits,uint256 volumeMib,uint256 budgetUnits,uint256 expiresAtMs)',
  CancelOrder: 'CancelOrder(bytes32 orderId,uint256 validUntilMs)',
} as const;

type TypeName = keyof typeof TYPES;

const HASHES = Object.fromEntries(
  Object.entries(TYPES).map(([name, type]) => [name, typeHash(type)]),
) as Record<TypeName, Uint8Array>;

/** Number of an asset in signed messages, the same as in the proto. */
export const ASSET_NUMBERS: Readonly<Record<AssetName, number>> = {
  TRC20_BTT: 1,
  TRC10_BTTOLD: 2,
};

/** A hash chain that a payer promises to reveal; see the word *tick* in the glossary. */
export type TickTerms = {
  readonly chainEnd: Uint8Array;
  readonly tickValueUnits: Units;
  readonly ticksMax: bigint;
};

/**
 * The hash chain that a channel pays by: tick i says that baseUnits + i × tickValueUnits are owed (see
 * `tickUnits`). The base is 0 for a chain committed at the opening. Of two commitments of one channel
 * the one with the higher base is the later one, and nothing of the earlier one is above that base.
 */
export type TickCommitment = TickTerms & { readonly baseUnits: Units };

/** What an account signs to let another key open channels for it. */
export type Delegation = {
  readonly account: Address;
  readonly key: Address;
  readonly capUnits: Units;
  readonly expiresAtMs: bigint;
  readonly validUntilMs: bigint;
};

/** What an account signs to let a session key open nothing more. */
export type Revocation = {
  readonly account: Address;
  readonly key: Address;
  readonly validUntilMs: bigint;
};

/** What is signed to open a channel, by the payer or a session key of the payer. */
export type ChannelTerms = {
  readonly payer: Address;
  readonly payee: Address;
  readonly depositUnits: Units;
  readonly salt: Uint8Array;
  readonly ticks?: TickTerms | undefined;
  readonly validUntilMs: bigint;
};

/** Id of a channel: keccak-256(payer ‖ payee ‖ salt), so that nobody else can take a payer's id. */
export function channelIdOf(payer: Address, payee: Address, salt: Uint8Array): Uint8Array {
  return keccak_256(concatBytes(addressWord(payer), addressWord(payee), salt));
}

/** What a channel's signer signs to pay. */
export type VoucherClaim = {
  readonly channelId: Uint8Array;
  readonly payee: Address;
  readonly cumulativeUnits: Units;
  readonly validUntilMs: bigint;
};

/** Digests of all signed messages under one signing domain. */
export class Digests {
  readonly #separator: Uint8Array;

  constructor(domain: SigningDomain) {
    this.#separator = domainSeparator(domain);
  }

  register(account: Address): Uint8Array {
    return this.#digest('Register', addressWord(account));
  }

  session(account: Address, validUntilMs: bigint): Uint8Array {
    return this.#digest('Session', addressWord(account), uintWord(validUntilMs));
  }

  voucher(claim: VoucherClaim): Uint8Array {
    return this.#digest(
      'Voucher',
      claim.channelId,
      addressWord(claim.payee),
      uintWord(claim.cumulativeUnits),
      uintWord(claim.validUntilMs),
    );
  }

  /** `root` is that of {@link bundleRoot}. */
  bundle(b: { root: Uint8Array; count: number; validUntilMs: bigint }): Uint8Array {
    return this.#digest('Bundle', b.root, uintWord(BigInt(b.count)), uintWord(b.validUntilMs));
  }

  transfer(t: {
    transferId: Uint8Array;
    payee: Address;
    amountUnits: Units;
    validUntilMs: bigint;
  }): Uint8Array {
    return this.#digest(
      'Transfer',
      t.transferId,
      addressWord(t.payee),
      uintWord(t.amountUnits),
      uintWord(t.validUntilMs),
    );
  }

  delegateSessionKey(d: Delegation): Uint8Array {
    return this.#digest(
      'DelegateSessionKey',
      addressWord(d.account),
      addressWord(d.key),
      uintWord(d.capUnits),
      uintWord(d.expiresAtMs),
      uintWord(d.validUntilMs),
    );
  }

  revokeSessionKey(r: Revocation): Uint8Array {
    return this.#digest(
      'RevokeSessionKey',
      addressWord(r.account),
      addressWord(r.key),
      uintWord(r.validUntilMs),
    );
  }

  openChannel(terms: ChannelTerms): Uint8Array {
    return this.#digest(
      'OpenChannel',
      addressWord(terms.payer),
      addressWord(terms.payee),
      uintWord(terms.depositUnits),
      terms.salt,
      terms.ticks?.chainEnd ?? new Uint8Array(32),
      uintWord(terms.ticks?.tickValueUnits ?? 0n),
      uintWord(terms.ticks?.ticksMax ?? 0n),
      uintWord(terms.validUntilMs),
    );
  }

  closeChannel(channelId: Uint8Array, validUntilMs: bigint): Uint8Array {
    return this.#digest('CloseChannel', channelId, uintWord(validUntilMs));
  }

  commitTicks(c: {
    channelId: Uint8Array;
    ticks: TickCommitment;
    validUntilMs: bigint;
  }): Uint8Array {
    return this.#digest(
      'CommitTicks',
      c.channelId,
      c.ticks.chainEnd,
      uintWord(c.ticks.tickValueUnits),
      uintWord(c.ticks.ticksMax),
      uintWord(c.ticks.baseUnits),
      uintWord(c.validUntilMs),
    );
  }

  withdraw(w: {
    withdrawalId: Uint8Array;
    asset: AssetName;
    destination: Address;
    amountUnits: Units;
    validUntilMs: bigint;
    toClaim?: boolean;
  }): Uint8Array {
    return this.#digest(
      w.toClaim === true ? 'WithdrawToClaim' : 'Withdraw',
      w.withdrawalId,
      uintWord(BigInt(ASSET_NUMBERS[w.asset])),
      addressWord(w.destination),
      uintWord(w.amountUnits),
      uintWord(w.validUntilMs),
    );
  }

  cancelWithdrawal(withdrawalId: Uint8Array, validUntilMs: bigint): Uint8Array {
    return this.#digest('CancelWithdrawal', withdrawalId, uintWord(validUntilMs));
  }

  ask(a: {
    orderId: Uint8Array;
    swarm: Uint8Array;
    slots: number;
    slotRateMib: number;
    reservePriceUnits: Units;
    expiresAtMs: bigint;
  }): Uint8Array {
    return this.#digest(
      'Ask',
      a.orderId,
      bytesWord(a.swarm),
      uintWord(BigInt(a.slots)),
      uintWord(BigInt(a.slotRateMib)),
      uintWord(a.reservePriceUnits),
      uintWord(a.expiresAtMs),
    );
  }

  bid(b: {
    orderId: Uint8Array;
    swarm: Uint8Array;
    slots: number;
    priceLimitUnits: Units;
    volumeMib: bigint;
    budgetUnits: Units;
    expiresAtMs: bigint;
  }): Uint8Array {
    return this.#digest(
      'Bid',
      b.orderId,
      bytesWord(b.swarm),
      uintWord(BigInt(b.slots)),
      uintWord(b.priceLimitUnits),
      uintWord(b.volumeMib),
      uintWord(b.budgetUnits),
      uintWord(b.expiresAtMs),
    );
  }

  cancelOrder(orderId: Uint8Array, validUntilMs: bigint): Uint8Array {
    return this.#digest('CancelOrder', orderId, uintWord(validUntilMs));
  }

  #digest(name: TypeName, ...words: Uint8Array[]): Uint8Array {
    return typedDataDigest(this.#separator, HASHES[name], words);
  }
}

import type { Address } from '#libs/domain';

/** Names a block. */
export type BlockRef = {
  readonly number: bigint;
  /** 32 bytes hex; starts with the number. */
  readonly id: string;
  readonly timestampMs: bigint;
};

/** A log that contract code emitted. */
export type ChainLog = {
  readonly contract: Address;
  /** 32 bytes hex each. */
  readonly topics: readonly string[];
  /** Hex. */
  readonly data: string;
};

/** A TRC-10 transfer that its sender signed. */
export type Trc10Transfer = {
  readonly tokenId: string;
  readonly from: Address;
  readonly to: Address;
  readonly amountBaseUnits: bigint;
};

/** A transaction in a block, with what executing it gave. */
export type ChainTransaction = {
  readonly txid: string;
  readonly owner: Address | undefined;
  /** True only when every place that tells the result says success. */
  readonly succeeded: boolean;
  /** The chain's word for the result, e.g. `SUCCESS`, `REVERT`, `OUT_OF_ENERGY`. */
  readonly result: string;
  readonly energyUsed: bigint;
  readonly feeSun: bigint;
  readonly trc10?: Trc10Transfer;
  readonly logs: readonly ChainLog[];
};

/** A block that can no longer be undone. */
export type SolidBlock = BlockRef & {
  readonly parentId: string;
  readonly transactions: readonly ChainTransaction[];
};

/** One of the keys that may sign for an account. */
export type Permission = {
  readonly threshold: bigint;
  readonly keys: readonly { readonly address: Address; readonly weight: bigint }[];
};

/** An account as of the last solidified block. */
export type ChainAccount = {
  readonly trxSun: bigint;
  readonly trc10: ReadonlyMap<string, bigint>;
  /** Contracts have no key: nobody can sign for them. */
  readonly isContract: boolean;
  readonly owner: Permission | undefined;
  readonly actives: readonly Permission[];
};

/** A transaction in a block that may still be undone. */
export type Inclusion = { readonly blockNumber: bigint; readonly result: string };

/** What a node said to a broadcast. It proves nothing about inclusion, either way. */
export type BroadcastAnswer =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly code: string; readonly message: string };

/**
 * The chain as settlement needs it, in the units the chain uses. Every method throws a
 * TronNodeError when the node does not answer as it should.
 */
export interface TronChain {
  /** Last four bytes of the genesis block's id, as the CHAINID opcode gives it. */
  chainId(): Promise<bigint>;
  /** Newest block; may still be undone. */
  head(): Promise<BlockRef>;
  /** Newest block that cannot be undone. */
  solidHead(): Promise<BlockRef>;
  /** A solidified block with everything in it, or undefined when it is not solidified yet. */
  solidBlock(number: bigint): Promise<SolidBlock | undefined>;
  /** Where a transaction stands on the unsolidified chain, or undefined when it is in no block. */
  inclusion(txid: string): Promise<Inclusion | undefined>;
  /** True when the solidified chain knows the transaction. */
  isSolidified(txid: string): Promise<boolean>;
  /** An account, solidified, or undefined when there is none. */
  account(address: Address): Promise<ChainAccount | undefined>;
  /** Calls a view of a contract on the solidified state; returns the raw answer. */
  view(contract: Address, data: Uint8Array): Promise<Uint8Array>;
  /** Price of energy, in sun. */
  energyPriceSun(): Promise<bigint>;
  /** Hands signed bytes to the node. */
  broadcast(signedHex: string): Promise<BroadcastAnswer>;
}

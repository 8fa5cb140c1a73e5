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
  /** Its header covers exactly these transactions, receipts and logs apart; absent when several nodes agree instead. */
  readonly isProven?: boolean;
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

/** Who may sign for an account; `owner` undefined: the account has the default, its own key. */
export type AccountPermissions = Pick<ChainAccount, 'owner' | 'actives'>;

/** What an account may still use today before TRX is burnt, as of the newest block. */
export type ChainResources = {
  /** Energy left of the account's stake and of what was delegated to it. */
  readonly energyLeft: bigint;
  /** Bytes left of staked bandwidth; a transaction is paid from one allowance as a whole, or not. */
  readonly bandwidthLeft: bigint;
  /** Bytes left of the daily free bandwidth; it does not pay for activating accounts. */
  readonly freeBandwidthLeft: bigint;
};

/** What the chain charges, in sun; voted by witnesses, so it may change. */
export type ChainPrices = {
  /** Per unit of energy. */
  readonly energySun: bigint;
  /** Per byte of bandwidth. */
  readonly bandwidthSun: bigint;
  /** For activating the payee's account. */
  readonly activationSun: bigint;
  /** For the bandwidth of a transaction that activates an account, when staked bandwidth is short. */
  readonly activationBandwidthSun: bigint;
  /** For a transaction with a memo, on top of its bandwidth. */
  readonly memoSun: bigint;
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
  /** The header of a solidified block, or undefined when it is not solidified yet. */
  solidRef(number: bigint): Promise<BlockRef | undefined>;
  /** Where a transaction stands on the unsolidified chain, or undefined when it is in no block. */
  inclusion(txid: string): Promise<Inclusion | undefined>;
  /** True when the solidified chain knows the transaction. */
  isSolidified(txid: string): Promise<boolean>;
  /** An account, solidified, or undefined when there is none. */
  account(address: Address): Promise<ChainAccount | undefined>;
  /** Calls a view of a contract on the solidified state; returns the raw answer. */
  view(contract: Address, data: Uint8Array): Promise<Uint8Array>;
  /** Who may sign for an account as of the newest block, or undefined when there is no account. */
  headPermissions(address: Address): Promise<AccountPermissions | undefined>;
  /** What an account may still use before it pays in TRX; nothing for an account that is not there. */
  resources(address: Address): Promise<ChainResources>;
  /** Everything that a payout may be charged for. */
  prices(): Promise<ChainPrices>;
  /** Price of energy, in sun. */
  energyPriceSun(): Promise<bigint>;
  /** Hands signed bytes to the node. */
  broadcast(signedHex: string): Promise<BroadcastAnswer>;
}

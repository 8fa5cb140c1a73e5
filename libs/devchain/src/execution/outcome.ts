import type { ContractResult } from '../codec/schema.js';

/** Refusal of a transaction, with java-tron's response code. */
export type BroadcastCode =
  | 'SIGERROR'
  | 'CONTRACT_VALIDATE_ERROR'
  | 'CONTRACT_EXE_ERROR'
  | 'BANDWITH_ERROR'
  | 'DUP_TRANSACTION_ERROR'
  | 'TAPOS_ERROR'
  | 'TOO_BIG_TRANSACTION_ERROR'
  | 'TRANSACTION_EXPIRATION_ERROR'
  | 'SERVER_BUSY'
  | 'OTHER_ERROR';

/** Thrown inside execution when a transaction may not enter a block at all. */
export class TransactionRefused extends Error {
  constructor(
    readonly code: BroadcastCode,
    message: string,
  ) {
    super(message);
  }
}

/** The contract's own checks failed. */
export const invalid = (message: string): TransactionRefused =>
  new TransactionRefused('CONTRACT_VALIDATE_ERROR', `Contract validate error : ${message}`);

export interface LogEntry {
  /** 20-byte address, topics and data as hex. */
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
}

/** A call one contract made to another account within a transaction. */
export interface InternalCall {
  /** Address keys. */
  readonly from: string;
  readonly to: string;
  readonly valueSun: bigint;
  readonly note: 'call' | 'create';
  /** It, or a call around it, failed: nothing moved. */
  readonly rejected: boolean;
}

/** What executing a transaction gave; stored with the block and shown as its receipt. */
export interface Outcome {
  readonly result: ContractResult;
  readonly feeSun: bigint;
  readonly netUsage: number;
  readonly netFeeSun: bigint;
  /** Present for contract calls and creations only. */
  readonly vm?: {
    readonly energyUsage: number;
    readonly originEnergyUsage: number;
    readonly energyTotal: number;
    readonly energyFeeSun: bigint;
    /** State key of the contract. */
    readonly contract: string;
    readonly returnHex: string;
    readonly logs: readonly LogEntry[];
    readonly internals: readonly InternalCall[];
    readonly message: string;
  };
  readonly assetIssueId?: string;
}

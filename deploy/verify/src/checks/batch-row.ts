import type { Address, Units } from '#libs/domain';

/** A batch with its lines and what settlement read of it on the chain. */
export type BatchRow = {
  readonly batchNo: bigint;
  readonly asset: number;
  readonly state: number;
  readonly chainBatchId: Buffer | null;
  readonly payouts: number;
  readonly totalUnits: Units;
  readonly attempts: number;
  readonly txid: Buffer | null;
  readonly energyUsed: bigint;
  readonly feeSun: bigint;
  readonly failure: string;
  readonly plannedAtMs: bigint;
  readonly solidifiedAtMs: bigint | null;
  readonly needsApproval: boolean;
  readonly approved: boolean | null;
  readonly decidedBy: string | null;
  readonly decidedAtMs: bigint | null;
  readonly decisionNote: string;
  readonly sealed: Buffer | null;
  readonly decisionSealed: Buffer | null;
  readonly endSealed: Buffer | null;
  readonly toClaim: boolean;
  readonly claimableUntilS: bigint | null;
  readonly paidInBlock: bigint | null;
  readonly paidBy: Buffer | null;
  readonly ownBlock: bigint | null;
  readonly failedLines: number[];
  readonly lines: LineRow[];
};

/** Whom a line pays, and what ledger and queue say of the same withdrawal. Amounts are text: they come as JSON. */
export type LineRow = {
  readonly line: number;
  readonly withdrawalId: string;
  readonly destination: Address;
  readonly units: string;
  readonly queued: string | null;
  readonly asked: string | null;
};

import type { Address } from '#libs/domain';

/** Tokens that do not back the ledger, sent to one of its addresses: what a run of blocks shows of one of them. */
export type ForeignToken = {
  /** Contract address (TRC-20) or token id (TRC-10). */
  readonly token: string;
  readonly recipient: Address;
  readonly transfers: number;
  readonly lastTxid: string;
  readonly lastSender: Address;
  readonly lastBaseUnits: bigint;
  readonly lastBlock: bigint;
};

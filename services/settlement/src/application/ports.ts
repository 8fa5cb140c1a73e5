import type { AdvanceWithdrawalRequest, CreditDepositRequest, Withdrawal } from '#libs/contracts';
import type { Result } from '#libs/domain';

/** The books, as settlement needs them. Everything may be repeated. */
export interface Books {
  /** Books a deposit once. */
  creditDeposit(request: CreditDepositRequest): Promise<Result<void>>;
  /** Moves a withdrawal on; answers with the withdrawal as it is now. */
  advanceWithdrawal(request: AdvanceWithdrawalRequest): Promise<Result<Withdrawal>>;
  /** A page of unfinished withdrawals, oldest first. */
  openWithdrawals(cursor: string): Promise<Result<{ withdrawals: Withdrawal[]; next: string }>>;
}

/** Where the ledger keeps its funds on chain. */
export type ChainPlace = {
  readonly chainId: bigint;
  readonly vault: string;
  readonly trc20: string;
  readonly trc10Id: string;
  readonly hotWallet: string;
};

/** Addresses that belong to the ledger itself: moving funds between them is no deposit and no payout. */
export function ownAddresses(place: ChainPlace): ReadonlySet<string> {
  return new Set([place.vault, place.hotWallet, place.trc20]);
}

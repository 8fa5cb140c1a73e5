import type {
  AdvanceWithdrawalRequest,
  CreditDepositRequest,
  ResolveSuspenseRequest,
  SnapshotLiabilitiesResponse,
  Withdrawal,
} from '#libs/contracts';
import type { Result } from '#libs/domain';

/** The books, as settlement needs them. Everything may be repeated. */
export interface Books {
  /** Books a deposit once. */
  creditDeposit(request: CreditDepositRequest): Promise<Result<void>>;
  /** Moves a deposit from suspense to an account, once. */
  resolveSuspense(request: ResolveSuspenseRequest): Promise<Result<void>>;
  /** Moves a withdrawal on; answers with the withdrawal as it is now. */
  advanceWithdrawal(request: AdvanceWithdrawalRequest): Promise<Result<Withdrawal>>;
  /** A page of unfinished withdrawals, oldest first. */
  openWithdrawals(cursor: string): Promise<Result<{ withdrawals: Withdrawal[]; next: string }>>;
}

/** All that the ledger owes, as epochs need it. */
export interface LiabilitySource {
  /** Pieces of one snapshot in their order, see BooksService.SnapshotLiabilities; throws when it is not complete. */
  liabilities(): AsyncIterable<SnapshotLiabilitiesResponse>;
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

import type { PlaceBidRequest } from '#libs/contracts';
import type { Database } from '#libs/database';
import { accept, type Digests, equalBytes, isAddress, type Result, refuse } from '#libs/domain';
import { checkBidTerms } from '../domain/bid-rules.js';
import { side } from '../domain/posting.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { HoldRepository } from '../repositories/hold.repository.js';
import type { Clock } from './clock.js';
import type { SignersService } from './signers.service.js';
import { Insufficient, refuseInsufficient } from './transfers.service.js';

/** Holds the budgets of bids. */
export class HoldsService {
  constructor(
    private readonly database: Database,
    private readonly books: BooksRepository,
    private readonly holds: HoldRepository,
    private readonly signers: SignersService,
    private readonly context: { readonly digests: Digests; readonly clock: Clock },
  ) {}

  /**
   * Holds a signed bid's budget; true when it was held before. The signature is checked here again:
   * the books do not take another service's word for it.
   * MALFORMED, LIMIT_EXCEEDED, BUDGET_TOO_SMALL, ACCOUNT_UNKNOWN, BAD_SIGNATURE, ID_REUSED, EXPIRED, INSUFFICIENT_FUNDS.
   */
  async place(bid: PlaceBidRequest): Promise<Result<boolean>> {
    const malformed = shapeProblem(bid);
    if (malformed !== undefined) return refuse('MALFORMED', malformed);
    const problem = checkBidTerms(bid);
    if (problem !== undefined) return problem;
    const contentHash = this.context.digests.bid(bid);
    const signer = await this.signers.require(bid.requester, contentHash, bid.signature);
    if (!signer.ok) return signer;
    const before = await this.holds.find(bid.orderId);
    if (before !== undefined) return repeat(before, contentHash);
    const nowMs = this.context.clock();
    if (bid.expiresAtMs <= nowMs) return refuse('EXPIRED', 'the bid has already ended');
    const accountNo = signer.value.accountNo;
    return this.database
      .transaction(async (tx): Promise<Result<boolean>> => {
        await this.books.lockHomes(tx, [accountNo]);
        const available = await this.books.available(tx, accountNo);
        const units = bid.budgetUnits;
        const holdNo = await this.holds.insert(tx, {
          orderId: bid.orderId,
          contentHash,
          accountNo,
          units,
        });
        if (holdNo === undefined) {
          const stored = await this.holds.lock(tx, bid.orderId);
          if (stored === undefined) throw new Error('a hold disappeared');
          return repeat(stored, contentHash);
        }
        if (available < units) throw new Insufficient(available);
        await this.books.post(
          tx,
          [
            {
              kind: 'hold',
              debit: side('available', accountNo),
              credit: side('hold', holdNo),
              units,
              reference: bid.orderId,
            },
          ],
          nowMs,
        );
        return accept(false);
      })
      .catch(refuseInsufficient);
  }
}

function repeat(stored: { contentHash: Uint8Array }, contentHash: Uint8Array): Result<boolean> {
  return equalBytes(stored.contentHash, contentHash)
    ? accept(true)
    : refuse('ID_REUSED', 'this order_id was used for another order');
}

function shapeProblem(bid: PlaceBidRequest): string | undefined {
  if (bid.orderId.length !== 32) return 'order_id must have 32 bytes';
  if (!isAddress(bid.requester)) return 'requester is not a TRON address';
  if (bid.swarm.length !== 20 && bid.swarm.length !== 32) return 'swarm must have 20 or 32 bytes';
  if (bid.expiresAtMs <= 0n) return 'expires_at_ms is missing';
  if (bid.budgetUnits <= 0n) return 'budget_units must be above 0';
  return undefined;
}

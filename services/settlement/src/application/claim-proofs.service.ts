import type { Metadata } from '@grpc/grpc-js';
import { accept, type Digests, type Result, refuse } from '#libs/domain';
import { type Claim, claimOf } from '../domain/claims.js';
import { PAYOUT } from '../domain/states.js';
import type { BatchStepRepository } from '../repositories/batch-step.repository.js';
import type { ClaimRepository } from '../repositories/claim.repository.js';
import type { Clock } from './clock.js';
import { callerOf } from './session-caller.js';

/** What a withdrawal is claimed with, and what the vault has of its set. */
export type ClaimView = Claim & { readonly claimableUntilMs: bigint };

/** Gives owners what their withdrawals are claimed with. */
export class ClaimProofsService {
  constructor(
    private readonly claims: ClaimRepository,
    private readonly steps: Pick<BatchStepRepository, 'lines'>,
    private readonly digests: Digests,
    private readonly clock: Clock,
  ) {}

  /** UNAUTHENTICATED, MALFORMED, NOT_FOUND: the caller has no such withdrawal, or there is nothing to be claimed for it now. */
  async prove(metadata: Metadata, withdrawalId: Uint8Array): Promise<Result<ClaimView>> {
    const caller = callerOf(metadata, this.digests, this.clock());
    if (!caller.ok) return caller;
    if (withdrawalId.length !== 32) return refuse('MALFORMED', 'withdrawal_id must have 32 bytes');
    const found = await this.claims.lineOf(withdrawalId);
    // Whose it is, and whether it exists, is nobody else's business.
    if (found?.account !== caller.value) {
      return refuse('NOT_FOUND', 'the account has no such withdrawal that can be claimed');
    }
    if (found.state === PAYOUT.paid) return refuse('NOT_FOUND', 'the withdrawal was claimed');
    const lines = await this.steps.lines(found.batchNo);
    const { chainBatchId, line, claimableUntilS } = found;
    return accept({
      ...claimOf(chainBatchId, lines, line),
      claimableUntilMs: claimableUntilS * 1_000n,
    });
  }
}

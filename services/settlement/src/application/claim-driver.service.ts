import type { Logger } from '#libs/observability';
import {
  buildTransaction,
  encodeVaultCall,
  type Signer,
  signedTransactionHex,
  type TronChain,
  TronNodeError,
} from '#libs/tron';
import { mostClaimUse } from '../domain/costs.js';
import { openBatch } from '../domain/open-batch.js';
import { Purse } from '../domain/purse.js';
import { OUTCOME } from '../domain/states.js';
import { nextStep, type Observation, type Step, type StepPolicy } from '../domain/step.js';
import { BatchMovedError } from '../repositories/batch-transaction.repository.js';
import type { ClaimRepository, OverdueRow } from '../repositories/claim.repository.js';
import type { ReleaseStepRepository } from '../repositories/release-step.repository.js';
import type { Cursor, ScanRepository } from '../repositories/scan.repository.js';
import type { Clock } from './clock.js';
import { notNow } from './not-now.js';
import type { ChainPlace } from './ports.js';
import type { WalletCheckService } from './wallet-check.service.js';

const SETS_PER_ROUND = 16;

/** How releases are sent. */
export type ReleasePolicy = StepPolicy & { readonly expirationMs: bigint };

/** What the driver reads and writes. */
export type ClaimStores = {
  readonly claims: ClaimRepository;
  readonly releaseSteps: ReleaseStepRepository;
  readonly scans: ScanRepository;
};

/**
 * Follows committed claim sets: what was claimed on the solidified chain is paid; when the time of a set is over, the
 * rest is released, as batches are sent, and goes back once the release is solidified. The vault decides between a claim
 * and a release; nothing is concluded here from a clock.
 */
export class ClaimDriverService {
  #paused = '';

  constructor(
    private readonly chain: TronChain,
    private readonly stores: ClaimStores,
    private readonly wallet: WalletCheckService,
    private readonly signer: Signer,
    private readonly place: ChainPlace,
    private readonly policy: ReleasePolicy,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Why a set is not released although its time is over; empty when all is well. */
  get paused(): string {
    return this.#paused;
  }

  /** One step of everything; true when something moved. */
  async round(): Promise<boolean> {
    // Read before the claims are paid: whatever was claimed by then is paid before a release is thought of.
    const cursor = await this.stores.scans.cursor();
    if (cursor === undefined) return false;
    const paid = await this.stores.claims.payClaimed(this.clock());
    if (paid > 0) this.logger.info({ payouts: paid }, 'payouts were claimed');
    const rows = await this.stores.claims.overdue(cursor.lastTimestampMs, SETS_PER_ROUND);
    const lacks: string[] = [];
    let moved = paid > 0;
    for (const row of rows) {
      const told = await this.#drive(row, cursor);
      if (typeof told === 'string') lacks.push(told);
      else moved ||= told;
    }
    this.#pause([...new Set(lacks)].join('; '));
    return moved;
  }

  /** One step of a set: whether it moved, or why it does not. */
  async #drive(row: OverdueRow, cursor: Cursor): Promise<boolean | string> {
    try {
      if (row.releasedBy !== null) return await this.#giveBack(row, row.releasedBy);
      const seen = await this.#observe(row, cursor);
      const open = openBatch({ ...row, chainBatchId: null });
      return await this.#take(row, nextStep(open, seen, this.clock(), this.policy));
    } catch (error) {
      if (!(error instanceof BatchMovedError)) return notNow(error);
      this.logger.info({ reason: error.message }, 'a claim set was moved by another process');
      return false;
    }
  }

  async #giveBack({ batchNo }: OverdueRow, releasedBy: Buffer): Promise<boolean> {
    const payouts = await this.stores.claims.release(batchNo, releasedBy, this.clock());
    this.logger.info({ batchNo, payouts }, 'claims were released, what nobody claimed goes back');
    return true;
  }

  async #observe(row: OverdueRow, cursor: Cursor): Promise<Observation> {
    const { txid, solidSucceeded, solidResult } = row;
    const nothing = {
      vaultPaidBy: undefined,
      solid:
        solidSucceeded === null
          ? undefined
          : { succeeded: solidSucceeded, result: solidResult ?? '' },
      scannedUntilMs: cursor.lastTimestampMs,
      includedIn: undefined,
      claimedSolid: false,
    };
    if (txid === null || solidSucceeded !== null) return nothing;
    const id = txid.toString('hex');
    if (cursor.lastTimestampMs > (row.expirationMs ?? 0n)) {
      return { ...nothing, claimedSolid: await this.chain.isSolidified(id) };
    }
    if ((row.broadcasts ?? 0) === 0) return nothing;
    return { ...nothing, includedIn: (await this.chain.inclusion(id))?.blockNumber };
  }

  async #take(row: OverdueRow, step: Step): Promise<boolean | string> {
    const { releaseSteps } = this.stores;
    const { batchNo } = row;
    const attempt = row.attempt ?? 0;
    switch (step.do) {
      case 'sign':
        return this.#sign(row, step.attempt);
      case 'broadcast':
        await this.#broadcast(row, attempt);
        return true;
      case 'confirm':
      case 'unconfirm':
        await releaseSteps.confirm(
          batchNo,
          attempt,
          step.do === 'confirm' ? step.block : undefined,
        );
        return true;
      case 'expire':
        await releaseSteps.end(batchNo, attempt, OUTCOME.expired);
        return true;
      case 'fail': {
        const reason = `the claims of batch ${batchNo} are not released: ${step.reason}`;
        if (row.attempt === null) return reason;
        this.logger.error({ batchNo, attempt, reason: step.reason }, 'a release failed');
        const outcome = row.solidSucceeded === false ? OUTCOME.failed : OUTCOME.expired;
        await releaseSteps.end(batchNo, attempt, outcome);
        return true;
      }
      case 'finish':
        return `the release of batch ${batchNo} succeeded on chain but the vault did not log it`;
      case 'halt':
        return step.reason;
      case 'wait':
        return false;
    }
  }

  async #sign(row: OverdueRow, attempt: number): Promise<boolean | string> {
    const [reference, head, state] = await Promise.all([
      this.chain.solidHead(),
      this.chain.head(),
      this.wallet.read(),
    ]);
    const use = mostClaimUse();
    const purse = new Purse(state, state.prices);
    const why = state.blocked ?? purse.lack('TRC20_BTT', 0n, use)?.text;
    if (why !== undefined) return why;
    const feeLimitSun = use.energy * state.prices.energySun;
    const expirationMs = head.timestampMs + this.policy.expirationMs;
    const batchId = row.chainBatchId.toString('hex');
    const data = encodeVaultCall({ method: 'releaseClaims', batchId });
    const { raw, txid } = buildTransaction({
      owner: this.signer.address,
      call: { kind: 'trigger', contract: this.place.vault, data },
      reference,
      expirationMs,
      timestampMs: this.clock(),
      feeLimitSun,
    });
    const signature = await this.signer.sign(raw);
    const signed = Buffer.from(signedTransactionHex(raw, signature), 'hex');
    const { batchNo } = row;
    await this.stores.releaseSteps.sign(
      { batchNo, attempt, txid, raw, signed, feeLimitSun, expirationMs },
      this.clock(),
    );
    return true;
  }

  /** Sends the stored bytes, never others. What the node answers decides nothing about money. */
  async #broadcast({ batchNo, signed }: OverdueRow, attempt: number): Promise<void> {
    if (signed === null) throw new Error(`the release of batch ${batchNo} is not signed`);
    let refusal = '';
    try {
      const answer = await this.chain.broadcast(signed.toString('hex'));
      if (!answer.accepted) {
        const { code, message } = answer;
        this.logger.warn({ batchNo, code, told: message }, 'a broadcast was refused');
        if (code === 'CONTRACT_VALIDATE_ERROR') refusal = message || code;
      }
    } catch (error) {
      if (!(error instanceof TronNodeError)) throw error;
      this.logger.warn({ batchNo, err: error }, 'a broadcast got no answer');
    }
    await this.stores.releaseSteps.broadcast(batchNo, attempt, refusal, this.clock());
  }

  #pause(reason: string): void {
    if (reason !== '' && reason !== this.#paused) this.logger.error({ reason }, 'claims wait');
    this.#paused = reason;
  }
}

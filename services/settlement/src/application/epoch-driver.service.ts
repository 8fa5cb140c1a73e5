import { failPoint } from '#libs/failpoints';
import type { Logger } from '#libs/observability';
import { callData, type TronChain } from '#libs/tron';
import { EPOCH_ENERGY_MAX, type EpochTerms, epochDue } from '../domain/epoch.js';
import { openBatch } from '../domain/open-batch.js';
import { EPOCH_TOO_OLD } from '../domain/preflight.js';
import { OUTCOME } from '../domain/states.js';
import { nextStep, type Step, type StepPolicy } from '../domain/step.js';
import { BatchMovedError } from '../repositories/batch-transaction.repository.js';
import type { EpochRepository } from '../repositories/epoch.repository.js';
import type { EpochStepRepository, OpenEpochRow } from '../repositories/epoch-step.repository.js';
import type { Cursor, ScanRepository } from '../repositories/scan.repository.js';
import type { StrandedRepository } from '../repositories/stranded.repository.js';
import type { Clock } from './clock.js';
import { type EpochMakerService, EpochRefusedError } from './epoch-maker.service.js';
import { notNow } from './not-now.js';
import { observe, send } from './stored-bytes.js';
import type { VaultCallService } from './vault-call.service.js';

/** The most that committing may use. */
const EPOCH_USE = { energy: EPOCH_ENERGY_MAX, transactionBytes: [500n], activations: 0n };

/** How epochs are made and sent. */
export type EpochPolicy = EpochTerms & StepPolicy;

/** What the driver reads and writes. */
export type EpochStores = {
  readonly epochs: EpochRepository;
  readonly epochSteps: EpochStepRepository;
  readonly scans: ScanRepository;
  readonly stranded: StrandedRepository;
};

/**
 * Makes epochs when they are due and moves the open one on, as the batch driver does with batches: only stored bytes
 * are sent, and another transaction is signed only when the last one is proven dead.
 */
export class EpochDriverService {
  #paused = '';
  #triedAtMs: bigint | undefined;

  constructor(
    private readonly chain: TronChain,
    private readonly stores: EpochStores,
    private readonly maker: EpochMakerService,
    private readonly calls: VaultCallService,
    private readonly policy: EpochPolicy,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Why no epoch is committed although one is due; empty when all is well. */
  get paused(): string {
    return this.#paused;
  }

  /** One step; true when something moved. */
  async round(): Promise<boolean> {
    // 0 switches epochs off: nothing is made, and batches wait for none.
    if (this.policy.periodMs === 0n) return false;
    const cursor = await this.stores.scans.cursor();
    if (cursor === undefined) return false;
    try {
      const row = await this.stores.epochSteps.open();
      return row === undefined ? await this.#make() : await this.#drive(row, cursor);
    } catch (error) {
      if (!(error instanceof BatchMovedError)) throw error;
      this.logger.info({ reason: error.message }, 'an epoch was moved by another process');
      return false;
    }
  }

  async #make(): Promise<boolean> {
    await this.#giveUpStranded();
    const { lastAtMs, triedAtMs, ...need } = await this.stores.epochs.need();
    const nowMs = this.clock();
    const facts = {
      ...need,
      lastAtMs: lastAtMs ?? undefined,
      triedAtMs: this.#triedAtMs ?? triedAtMs ?? undefined,
    };
    const why = epochDue(facts, nowMs, this.policy);
    if (why === undefined) return false;
    this.#triedAtMs = nowMs;
    this.logger.info({ why }, 'an epoch is due');
    try {
      const made = await this.maker.make();
      if (made) failPoint('settlement.after-epoch-stored');
      // What has failed before is mended when the epoch is committed, not when it is made.
      if (!made) this.#pause('');
      return made;
    } catch (error) {
      if (error instanceof BatchMovedError) throw error;
      const told = error instanceof Error ? error.message : String(error);
      this.#pause(`no epoch is committed: ${told}`);
      if (!(error instanceof EpochRefusedError)) throw error;
      return false;
    }
  }

  /** Batches for which no epoch can ever come must not ask for one for ever. */
  async #giveUpStranded(): Promise<void> {
    for (const batchNo of await this.stores.stranded.list()) {
      await this.stores.stranded.giveUp(batchNo, this.clock());
      this.logger.error(
        { batchNo },
        'a batch was given up: the ledger no longer counts it as open',
      );
    }
  }

  async #drive(row: OpenEpochRow, cursor: Cursor): Promise<boolean> {
    const step = nextStep(
      openBatch({ ...row, chainBatchId: null }),
      await observe(this.chain, row, cursor),
      this.clock(),
      this.policy,
    );
    if (step.do === 'halt') this.#pause(step.reason);
    if (step.do === 'halt' || step.do === 'wait') return false;
    return this.#take(row, step);
  }

  async #take(row: OpenEpochRow, step: Step): Promise<boolean> {
    const { epochSteps } = this.stores;
    const { epochNo, attempts } = row;
    const attempt = row.attempt ?? 0;
    const nowMs = this.clock();
    switch (step.do) {
      case 'sign':
        return this.#sign(row, step.attempt).catch((error: unknown) => {
          if (error instanceof BatchMovedError) throw error;
          this.#pause(notNow(error));
          return false;
        });
      case 'broadcast':
        await this.#broadcast(row, attempt);
        return true;
      case 'confirm':
      case 'unconfirm':
        await epochSteps.confirm(epochNo, attempt, step.do === 'confirm' ? step.block : undefined);
        failPoint('settlement.after-epoch-confirmed');
        return true;
      case 'expire':
        await epochSteps.expire(epochNo, attempt);
        failPoint('settlement.after-epoch-expired');
        return true;
      case 'finish':
        await epochSteps.end(epochNo, { attempts, failure: '', outcome: OUTCOME.paid, nowMs });
        failPoint('settlement.after-epoch-committed');
        this.logger.info({ epochNo, total: row.totalUnits }, 'an epoch is committed');
        this.#pause('');
        return true;
      case 'fail': {
        const outcome = row.solidSucceeded === false ? OUTCOME.failed : OUTCOME.expired;
        await epochSteps.end(epochNo, { attempts, failure: step.reason, outcome, nowMs });
        failPoint('settlement.after-epoch-failed');
        this.#pause(`no epoch is committed: epoch ${epochNo} ${step.reason}`);
        return true;
      }
      case 'halt':
      case 'wait':
        return false;
    }
  }

  async #sign(row: OpenEpochRow, attempt: number): Promise<boolean> {
    const data = commitEpochData(row);
    // An old epoch stops payouts; a new one is what mends that.
    const signed = await this.calls.sign({ data, use: EPOCH_USE, attempt, mends: EPOCH_TOO_OLD });
    if (typeof signed === 'string') {
      this.#pause(signed);
      return false;
    }
    failPoint('settlement.before-epoch-signed');
    await this.stores.epochSteps.sign({ epochNo: row.epochNo, ...signed }, this.clock());
    failPoint('settlement.after-epoch-signed');
    return true;
  }

  async #broadcast({ epochNo, signed }: OpenEpochRow, attempt: number): Promise<void> {
    if (signed === null) throw new Error(`epoch ${epochNo} is not signed`);
    failPoint('settlement.before-epoch-broadcast');
    const refusal = await send(this.chain, this.logger, signed, { epochNo });
    failPoint('settlement.after-epoch-broadcast');
    await this.stores.epochSteps.broadcast(epochNo, attempt, refusal, this.clock());
    failPoint('settlement.after-epoch-noted');
  }

  #pause(reason: string): void {
    if (reason !== '' && reason !== this.#paused) this.logger.error({ reason }, 'epochs wait');
    this.#paused = reason;
  }
}

/** Call data of `commitEpoch(epoch, root, totalUnits)`. */
export function commitEpochData(
  epoch: Pick<OpenEpochRow, 'epochNo' | 'root' | 'totalUnits'>,
): Uint8Array {
  const { epochNo, root, totalUnits } = epoch;
  const root32 = `0x${root.toString('hex')}`;
  return callData('commitEpoch(uint64,bytes32,uint64)', [epochNo, root32, totalUnits]);
}

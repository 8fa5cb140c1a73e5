import { assetFromWire } from '#libs/contracts';
import type { AssetName } from '#libs/domain';
import { failPoint } from '#libs/failpoints';
import type { Logger } from '#libs/observability';
import { type TronChain, TronNodeError } from '#libs/tron';
import { openBatch } from '../domain/open-batch.js';
import { unexplainedProblem } from '../domain/preflight.js';
import { type Lack, Purse } from '../domain/purse.js';
import { OUTCOME } from '../domain/states.js';
import { afterFailure, nextStep, type Step } from '../domain/step.js';
import type { BatchStepRepository, OpenBatchRow } from '../repositories/batch-step.repository.js';
import { BatchMovedError } from '../repositories/batch-transaction.repository.js';
import type { Cursor, ScanRepository } from '../repositories/scan.repository.js';
import type { BatchSignerService, SigningContext } from './batch-signer.service.js';
import type { Clock } from './clock.js';
import { concurrently } from './concurrently.js';
import { notNow } from './not-now.js';
import { observe, send } from './stored-bytes.js';
import type { WalletCheckService } from './wallet-check.service.js';

/** How patient and how parallel the driver is. */
export type DriverPolicy = {
  readonly attemptsMax: number;
  readonly rebroadcastMs: bigint;
  readonly failuresMax: number;
  /** Transactions of each asset that may be on their way at the same time. */
  readonly inFlightMax: number;
  /** How far the reading of the chain may lag behind while transactions are signed. */
  readonly scanLagMaxBlocks: bigint;
  /** How far the node's newest block may be from our clock. */
  readonly headSkewMaxMs: bigint;
};

/** Tells which batches a committed epoch lets go. */
export interface Clearance {
  cleared(batchNos: readonly bigint[]): Promise<ReadonlySet<bigint>>;
}

type Planned = { readonly row: OpenBatchRow; readonly asset: AssetName; readonly step: Step };

/** A batch to be signed, once it is cleared. */
type ToSign = Planned & { readonly cleared: boolean };

const CONCURRENT_STEPS = 8;

/**
 * Moves every open batch one step on. All it knows is in the database, so that a process killed at
 * any point is continued by the next one; what it decides is decided by `nextStep`.
 */
export class BatchDriverService {
  #paused = '';
  #shortSinceMs: ReadonlyMap<AssetName, bigint> = new Map();

  constructor(
    private readonly chain: TronChain,
    private readonly steps: BatchStepRepository,
    private readonly scans: ScanRepository,
    private readonly wallet: WalletCheckService,
    private readonly signer: BatchSignerService,
    private readonly clearance: Clearance,
    private readonly policy: DriverPolicy,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** Why nothing is signed at the moment; empty when all is well. */
  get paused(): string {
    return this.#paused;
  }

  /** Assets whose reserve is short, and when the oldest batch that waits for it was planned. */
  get shortSinceMs(): ReadonlyMap<AssetName, bigint> {
    return this.#shortSinceMs;
  }

  /** One step of every open batch; true when something moved. */
  async round(): Promise<boolean> {
    // Read before the batches: whatever the chain showed by then is with them, so nothing that was included looks dead.
    const cursor = await this.scans.cursor();
    if (cursor === undefined) return false;
    const rows = await this.steps.open(this.policy.inFlightMax);
    const planned = await concurrently(rows, CONCURRENT_STEPS, (row) => this.#plan(row, cursor));
    const halt = planned.map(({ step }) => step).find((step) => step.do === 'halt');
    const reason = halt?.reason ?? (await this.#blocked());
    const toSign = await this.#cleared(planned.filter(({ step }) => step.do === 'sign'));
    const others = planned.filter(({ step }) => !['sign', 'halt', 'wait'].includes(step.do));
    await concurrently(others, CONCURRENT_STEPS, (item) => this.#guarded(() => this.#take(item)));
    const short = reason === '' ? await this.#signAll(toSign, planned, cursor).catch(notNow) : '';
    this.#pause(reason || short);
    const ready = toSign.filter(({ cleared }) => cleared).length;
    const signed = reason === '' && short === '' ? ready : 0;
    return others.length + signed > 0;
  }

  /**
   * Nothing is signed before a committed epoch has the lines of a vault batch, or leaves a TRC-10 payout out: whoever
   * was paid could leave by the last one with the same units again (docs/vault.md). Only TRC-10 has to ask for it.
   */
  async #cleared(toSign: readonly Planned[]): Promise<ToSign[]> {
    const cleared = await this.clearance.cleared(toSign.map(({ row }) => row.batchNo));
    return toSign
      .map((planned) => ({ ...planned, cleared: cleared.has(planned.row.batchNo) }))
      .filter(({ row, cleared: ready }) => ready || row.chainBatchId === null);
  }

  async #plan(row: OpenBatchRow, cursor: Cursor): Promise<Planned> {
    const asset = assetFromWire(row.asset);
    if (asset === undefined) throw new Error(`batch ${row.batchNo} has no known asset`);
    try {
      const seen = await observe(this.chain, row, cursor, row.vaultPaidBy?.toString('hex'));
      return { row, asset, step: nextStep(openBatch(row), seen, this.clock(), this.policy) };
    } catch (error) {
      if (!(error instanceof TronNodeError)) throw error;
      // What a node does not tell now it may tell next time; nothing is concluded from silence.
      this.logger.debug({ batchNo: row.batchNo, err: error }, 'a batch could not be observed');
      return { row, asset, step: { do: 'wait' } };
    }
  }

  async #blocked(): Promise<string> {
    const told = unexplainedProblem(await this.scans.unexplained());
    if (told === undefined) return '';
    // Whoever has the key may have changed who has it.
    const { blocked } = await this.wallet
      .read()
      .catch((error: unknown) => ({ blocked: notNow(error) }));
    return blocked === undefined ? told : `${told}; ${blocked}`;
  }

  /** Signs what may be signed; returns why not when something may not. */
  async #signAll(
    toSign: readonly ToSign[],
    all: readonly Planned[],
    cursor: Cursor,
  ): Promise<string> {
    const idle = ({ row, cleared }: ToSign) => !cleared && row.leavingAtMs !== null;
    if (toSign.every(idle)) {
      this.#shortSinceMs = new Map();
      return '';
    }
    const [reference, head, state] = await Promise.all([
      this.chain.solidHead(),
      this.chain.head(),
      this.wallet.read(),
    ]);
    if (state.blocked !== undefined) return state.blocked;
    if (reference.number - cursor.nextBlock >= this.policy.scanLagMaxBlocks) {
      return `the chain has been read to block ${cursor.nextBlock} of ${reference.number} only`;
    }
    const skewMs = head.timestampMs - this.clock();
    if (skewMs > this.policy.headSkewMaxMs || -skewMs > this.policy.headSkewMaxMs) {
      return `the node's newest block is ${skewMs} ms off our clock`;
    }
    const purse = new Purse(state, state.prices);
    for (const { row, asset } of all) {
      if (row.attempt !== null) {
        purse.take(asset, row.totalUnits, this.signer.mostUse(row, asset));
      }
    }
    return this.#signInTurn(toSign, {
      reference,
      headTimestampMs: head.timestampMs,
      energyPriceSun: state.prices.energySun,
      purse,
    });
  }

  /**
   * Signs in the order of planning. An asset whose reserve is short waits with all its batches, so that a large one
   * is not overtaken for ever; the other asset goes on. A transaction that the signer forbids holds up no other. Without
   * TRX nothing goes on.
   */
  async #signInTurn(toSign: readonly ToSign[], context: SigningContext): Promise<string> {
    const short = new Map<Lack['of'], string>();
    const sinceMs = new Map<AssetName, bigint>();
    for (const { row, asset, step, cleared } of toSign) {
      if (step.do !== 'sign' || short.has(asset)) continue;
      const lack = cleared
        ? await this.#guarded(() => this.signer.sign(row, asset, step.attempt, context))
        : await this.#leave(row, asset, context.purse);
      if (lack?.of === 'trx') return lack.text;
      if (lack === undefined) continue;
      short.set(lack.of, lack.text);
      if (lack.of === asset) sinceMs.set(asset, row.plannedAtMs);
    }
    this.#shortSinceMs = sinceMs;
    return [...short.values()].join('; ');
  }

  /**
   * Lets the next epoch leave a TRC-10 payout out, or returns what is lacking to pay it with: until that is there its
   * owner keeps the right to leave with it.
   */
  async #leave(row: OpenBatchRow, asset: AssetName, purse: Purse): Promise<Lack | undefined> {
    const use = this.signer.mostUse(row, asset);
    const lack = purse.lack(asset, row.totalUnits, use);
    if (lack !== undefined) return lack;
    purse.take(asset, row.totalUnits, use);
    await this.steps.leave(row.batchNo, this.clock());
    failPoint('settlement.after-leaving');
    return undefined;
  }

  async #take({ row, step }: Planned): Promise<void> {
    const { batchNo, attempt, attempts } = row;
    const nowMs = this.clock();
    switch (step.do) {
      case 'broadcast':
        return this.#broadcast(row);
      case 'confirm':
        await this.steps.confirm(batchNo, attempt ?? 0, step.block);
        return failPoint('settlement.after-confirmed');
      case 'unconfirm':
        return this.steps.confirm(batchNo, attempt ?? 0, undefined);
      case 'finish': {
        const paidBy = step.paidBy === undefined ? row.txid : Buffer.from(step.paidBy, 'hex');
        if (paidBy === null) throw new Error(`batch ${batchNo} was paid by nobody`);
        failPoint('settlement.before-finished');
        const unpaid = await this.steps.finish(batchNo, paidBy, this.#refunds, nowMs);
        failPoint('settlement.after-finished');
        if (unpaid > 0) this.logger.error({ batchNo, unpaid }, 'a batch left payees unpaid');
        return;
      }
      case 'expire':
        this.logger.warn({ batchNo, attempt }, 'a transaction expired unseen, signing anew');
        await this.steps.expire(batchNo, attempt ?? 0);
        return failPoint('settlement.after-expired');
      case 'fail':
        this.logger.error({ batchNo, attempt, reason: step.reason }, 'a batch failed');
        await this.steps.fail(
          batchNo,
          {
            attempts,
            outcome: row.solidSucceeded === false ? OUTCOME.failed : OUTCOME.expired,
            reason: step.reason,
          },
          this.#refunds,
          nowMs,
        );
        return failPoint('settlement.after-failed');
      case 'sign':
      case 'halt':
      case 'wait':
        return;
    }
  }

  readonly #refunds = (failures: number): boolean =>
    afterFailure(failures, this.policy.failuresMax) === 'refund';

  async #broadcast(row: OpenBatchRow): Promise<void> {
    const { batchNo, attempt, signed } = row;
    if (signed === null || attempt === null) throw new Error(`batch ${batchNo} is not signed`);
    failPoint('settlement.before-broadcast');
    const refusal = await send(this.chain, this.logger, signed, { batchNo });
    failPoint('settlement.after-broadcast');
    await this.steps.broadcast(batchNo, attempt, refusal, this.clock());
    failPoint('settlement.after-broadcast-noted');
  }

  /** Another process may work on the same batch; whoever comes second changes nothing. */
  async #guarded<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof BatchMovedError)) throw error;
      this.logger.info({ reason: error.message }, 'a batch was moved by another process');
      return undefined;
    }
  }

  #pause(reason: string): void {
    if (reason !== '' && reason !== this.#paused) {
      this.logger.error({ reason }, 'settlement is paused');
    }
    if (reason === '' && this.#paused !== '') this.logger.info('settlement goes on');
    this.#paused = reason;
  }
}

import { type AssetName, baseUnits } from '#libs/domain';
import {
  type BlockRef,
  buildTransaction,
  type ChainCall,
  payBatchData,
  type Signer,
  signedTransactionHex,
} from '#libs/tron';
import {
  checkFunds,
  type EnergyTerms,
  feeLimitSun,
  TRC10_COST_MAX_SUN,
} from '../domain/preflight.js';
import type {
  BatchLine,
  BatchStepRepository,
  OpenBatchRow,
} from '../repositories/batch-step.repository.js';
import type { Clock } from './clock.js';
import type { ChainPlace } from './ports.js';
import type { Purse } from './wallet-check.service.js';

/** How transactions are made. */
export type SigningTerms = EnergyTerms & { readonly expirationMs: bigint };

/** What the chain looks like while signing. */
export type SigningContext = {
  /** Solidified: no fork can void a transaction that refers to it. */
  readonly reference: BlockRef;
  readonly headTimestampMs: bigint;
  readonly energyPriceSun: bigint;
  readonly purse: Purse;
};

const TWINS_MAX = 100n;

/** Makes, signs and stores the transaction of a batch. Nothing is sent from here. */
export class BatchSignerService {
  constructor(
    private readonly steps: BatchStepRepository,
    private readonly signer: Signer,
    private readonly place: ChainPlace,
    private readonly terms: SigningTerms,
    private readonly clock: Clock,
  ) {}

  /** Most that the batch's transaction may cost, in sun. */
  costMaxSun(row: Pick<OpenBatchRow, 'chainBatchId' | 'payouts'>, priceSun: bigint): bigint {
    return row.chainBatchId === null
      ? TRC10_COST_MAX_SUN
      : feeLimitSun(row.payouts, priceSun, this.terms);
  }

  /** Signs attempt `attempt` of a batch and stores it; returns why not when the funds are short. */
  async sign(
    row: OpenBatchRow,
    asset: AssetName,
    attempt: number,
    context: SigningContext,
  ): Promise<string | undefined> {
    const trxSun = this.costMaxSun(row, context.energyPriceSun);
    const demand = { trxSun, baseUnits: baseUnits(asset, row.totalUnits) };
    const short = checkFunds(context.purse.free(asset), demand, asset);
    if (short !== undefined) return short;
    context.purse.take(asset, trxSun, row.totalUnits);
    const lines = await this.steps.lines(row.batchNo);
    const call = this.#call(row, asset, lines);
    const nowMs = this.clock();
    for (let shift = 0n; shift < TWINS_MAX; shift++) {
      const expirationMs = context.headTimestampMs + this.terms.expirationMs;
      const limit = row.chainBatchId === null ? 0n : trxSun;
      const transaction = buildTransaction({
        owner: this.signer.address,
        call,
        reference: context.reference,
        expirationMs,
        // Two payouts of the same amount to the same payee are one transaction unless this differs.
        timestampMs: nowMs + shift,
        feeLimitSun: limit,
      });
      const signature = await this.signer.sign(transaction.raw);
      const signed = Buffer.from(signedTransactionHex(transaction.raw, signature), 'hex');
      const { raw, txid } = transaction;
      const { batchNo } = row;
      const stored = await this.steps.sign(
        { batchNo, attempt, txid, raw, signed, feeLimitSun: limit, expirationMs },
        nowMs,
      );
      if (stored) return undefined;
    }
    throw new Error(`batch ${row.batchNo} found no transaction id of its own`);
  }

  #call(row: OpenBatchRow, asset: AssetName, lines: readonly BatchLine[]): ChainCall {
    if (row.chainBatchId !== null) {
      const payouts = lines.map(({ destination, units }) => ({
        to: destination,
        amountBaseUnits: baseUnits(asset, units),
      }));
      const data = payBatchData(row.chainBatchId, payouts);
      return { kind: 'trigger', contract: this.place.vault, data };
    }
    const [line, second] = lines;
    if (line === undefined || second !== undefined) {
      throw new Error(`batch ${row.batchNo} must pay exactly one payee`);
    }
    return {
      kind: 'trc10',
      tokenId: this.place.trc10Id,
      to: line.destination,
      amountBaseUnits: baseUnits(asset, line.units),
    };
  }
}

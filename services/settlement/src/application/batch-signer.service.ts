import { type AssetName, baseUnits, toHex } from '#libs/domain';
import { failPoint } from '#libs/failpoints';
import {
  type BlockRef,
  buildTransaction,
  type ChainCall,
  encodeVaultCall,
  payBatchData,
  type Signer,
  SignerError,
  signedTransactionHex,
} from '#libs/tron';
import { claimTree, deadlineS } from '../domain/claims.js';
import { type EnergyTerms, feeLimitSun, mostUse, type Use } from '../domain/costs.js';
import type { Lack, Purse } from '../domain/purse.js';
import type {
  BatchLine,
  BatchStepRepository,
  OpenBatchRow,
} from '../repositories/batch-step.repository.js';
import type { Clock } from './clock.js';
import type { ChainPlace } from './ports.js';

/** How transactions are made. */
export type SigningTerms = EnergyTerms & {
  readonly expirationMs: bigint;
  /** How long payouts can be claimed. */
  readonly claimWindowMs: bigint;
};

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

  /** The most that the batch's transaction may use. */
  mostUse(row: Pick<OpenBatchRow, 'payouts' | 'toClaim'>, asset: AssetName): Use {
    return mostUse({ asset, payees: row.payouts, toClaim: row.toClaim }, this.terms);
  }

  /** Signs attempt `attempt` of a batch and stores it; returns what is lacking when it cannot be afforded. */
  async sign(
    row: OpenBatchRow,
    asset: AssetName,
    attempt: number,
    context: SigningContext,
  ): Promise<Lack | undefined> {
    const { purse, energyPriceSun } = context;
    const use = this.mostUse(row, asset);
    const lack = purse.lack(asset, row.totalUnits, use);
    if (lack !== undefined) return lack;
    const limit = row.chainBatchId === null ? 0n : feeLimitSun(use, energyPriceSun);
    if (limit === undefined) return tooDear(row, energyPriceSun);
    const lines = await this.steps.lines(row.batchNo);
    const call = await this.#call(row, asset, lines, context);
    const nowMs = this.clock();
    for (let shift = 0n; shift < TWINS_MAX; shift++) {
      const expirationMs = context.headTimestampMs + this.terms.expirationMs;
      const transaction = buildTransaction({
        owner: this.signer.address,
        call,
        reference: context.reference,
        expirationMs,
        // Two payouts of the same amount to the same payee are one transaction unless this differs.
        timestampMs: nowMs + shift,
        feeLimitSun: limit,
      });
      const signature = await this.signer.sign(transaction.raw).catch(oneOnly);
      if (!(signature instanceof Uint8Array)) {
        return { of: 'consent', text: `batch ${row.batchNo}: ${signature.message}` };
      }
      // Not before: what the signer forbids costs nothing.
      if (shift === 0n) purse.take(asset, row.totalUnits, use);
      const signed = Buffer.from(signedTransactionHex(transaction.raw, signature), 'hex');
      const { raw, txid } = transaction;
      const { batchNo } = row;
      failPoint('settlement.before-signed');
      const stored = await this.steps.sign(
        { batchNo, attempt, txid, raw, signed, feeLimitSun: limit, expirationMs },
        nowMs,
      );
      failPoint('settlement.after-signed');
      if (stored) return undefined;
    }
    throw new Error(`batch ${row.batchNo} found no transaction id of its own`);
  }

  async #call(
    row: OpenBatchRow,
    asset: AssetName,
    lines: readonly BatchLine[],
    context: SigningContext,
  ): Promise<ChainCall> {
    if (row.toClaim) {
      const data = await this.#commitClaims(row, lines, context);
      return { kind: 'trigger', contract: this.place.vault, data };
    }
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

  /**
   * The deadline is stored before anybody is asked to sign: a signer remembers what it has signed for a batch id, and
   * would sign nothing else for it.
   */
  async #commitClaims(
    { batchNo, chainBatchId, claimableUntilS }: OpenBatchRow,
    lines: readonly BatchLine[],
    { headTimestampMs }: SigningContext,
  ): Promise<Uint8Array> {
    if (chainBatchId === null) throw new Error(`batch ${batchNo} has no id on chain`);
    const wanted = deadlineS(headTimestampMs, this.terms.claimWindowMs);
    const untilS = claimableUntilS ?? (await this.steps.fixDeadline(batchNo, wanted));
    failPoint('settlement.after-deadline');
    const { root, totalUnits } = claimTree(chainBatchId, lines).root;
    return encodeVaultCall({
      method: 'commitClaims',
      batchId: toHex(chainBatchId),
      root: toHex(root),
      totalUnits,
      claimableUntilS: untilS,
    });
  }
}

/** The refusal of this one transaction; rethrows what concerns others too. */
function oneOnly(error: unknown): SignerError {
  if (error instanceof SignerError && error.thisOneOnly) return error;
  throw error;
}

function tooDear({ batchNo, payouts }: OpenBatchRow, energyPriceSun: bigint): Lack {
  return {
    of: 'trx',
    text: `batch ${batchNo} of ${payouts} payees needs a higher fee limit than the chain allows at ${energyPriceSun} sun for a unit of energy`,
  };
}

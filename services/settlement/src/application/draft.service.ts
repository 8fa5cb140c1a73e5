import { assetFromWire } from '#libs/contracts';
import { accept, type Result, refuse } from '#libs/domain';
import { type TronChain, TronNodeError } from '#libs/tron';
import type { EnergyTerms } from '../domain/costs.js';
import { type Draft, draftOf } from '../domain/draft.js';
import type { PlannedBatch } from '../domain/plan.js';
import { cheapestWay, type WayCost, waysToPay } from '../domain/ways.js';
import type { StoredBatch } from '../repositories/batch.repository.js';
import { concurrently } from './concurrently.js';
import type { PauseService } from './pause.service.js';
import type { SettlementRunService } from './settlement-run.service.js';
import type { WalletCheckService, WalletState } from './wallet-check.service.js';

/** What a run would do, and the wallet that would pay for it. */
export type DraftView = {
  readonly draft: Draft;
  readonly wallet: WalletState;
  /** Why settlement is paused, else empty. */
  readonly paused: string;
};

/** A batch that is planned, with how it would be paid and what that costs if nothing is staked. */
export type PricedBatch = { readonly batch: StoredBatch; readonly cost: WayCost };

const CONCURRENT_CALLS = 8;
/** Payees of TRC-10 that are looked up; any more are taken for new ones, which cost more. */
const LOOKUPS_MAX = 500;

/** Dry runs: what would be paid, what it would cost, and what is lacking for it. Nothing is changed. */
export class DraftService {
  constructor(
    private readonly chain: TronChain,
    private readonly wallet: WalletCheckService,
    private readonly runs: SettlementRunService,
    private readonly pause: PauseService,
    private readonly terms: EnergyTerms,
  ) {}

  /** UNAVAILABLE when the node does not tell what is needed. */
  async read(): Promise<Result<DraftView>> {
    try {
      const [batches, wallet] = await Promise.all([this.runs.plan(), this.wallet.read()]);
      const existing = await this.#existing(batches);
      const draft = draftOf(batches, {
        ...this.terms,
        funds: wallet,
        prices: wallet.prices,
        hasAccount: (address) => existing.has(address),
      });
      return accept({ draft, wallet, paused: await this.pause.read(wallet.blocked) });
    } catch (error) {
      return unavailable(error);
    }
  }

  /** What planned batches would cost now. UNAVAILABLE when the node does not tell the prices. */
  async priced(batches: readonly StoredBatch[]): Promise<Result<PricedBatch[]>> {
    if (batches.length === 0) return accept([]);
    try {
      const prices = await this.chain.prices();
      return accept(
        batches.map((batch) => {
          const asset = assetFromWire(batch.asset);
          if (asset === undefined) throw new Error(`batch ${batch.batchNo} has no known asset`);
          const shape = { asset, payees: batch.payouts, toClaim: batch.toClaim };
          return { batch, cost: cheapestWay(waysToPay(shape, prices)) };
        }),
      );
    } catch (error) {
      return unavailable(error);
    }
  }

  async #existing(batches: readonly PlannedBatch[]): Promise<ReadonlySet<string>> {
    const native = batches.filter(({ asset }) => asset === 'TRC10_BTTOLD');
    const payees = native.flatMap(({ payouts }) => payouts.map(({ destination }) => destination));
    const asked = [...new Set(payees)].slice(0, LOOKUPS_MAX);
    const found = await concurrently(asked, CONCURRENT_CALLS, (to) => this.chain.account(to));
    return new Set(asked.filter((_to, at) => found[at] !== undefined));
  }
}

function unavailable(error: unknown): Result<never> {
  if (!(error instanceof TronNodeError)) throw error;
  return refuse('UNAVAILABLE', `the TRON node: ${error.message}`);
}

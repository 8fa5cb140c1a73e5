import { ASSETS } from '#libs/domain';
import type { Metrics } from '#libs/observability';
import type { NodeReport, QuorumChain } from '#libs/tron';
import { BATCH, DEPOSIT, PAYOUT } from '../domain/states.js';
import type { BatchRepository } from '../repositories/batch.repository.js';
import type { DepositRepository } from '../repositories/deposit.repository.js';
import type { PayoutRepository } from '../repositories/payout.repository.js';
import type { ScanRepository } from '../repositories/scan.repository.js';
import type { BatchDriverService } from './batch-driver.service.js';
import type { ClaimDriverService } from './claim-driver.service.js';
import type { Clock } from './clock.js';
import type { EpochDriverService } from './epoch-driver.service.js';
import type { WalletCheckService } from './wallet-check.service.js';

/** Where the figures come from. */
export type MetricSources = {
  readonly chain: QuorumChain;
  readonly wallet: WalletCheckService;
  readonly scans: ScanRepository;
  readonly deposits: DepositRepository;
  readonly payouts: PayoutRepository;
  readonly batches: BatchRepository;
  readonly driver: BatchDriverService;
  readonly epochDriver: EpochDriverService;
  readonly claimDriver: ClaimDriverService;
  readonly clock: Clock;
};

const NODE_STATES: readonly NodeReport['state'][] = ['ok', 'resting', 'behind', 'dissenting'];

/** Figures of settlement, read afresh by `refresh`. */
export class ServiceMetrics {
  readonly #sources: MetricSources;
  readonly #states;
  readonly #gauges;

  constructor(metrics: Metrics, sources: MetricSources) {
    this.#sources = sources;
    const byState = (name: string, help: string) => metrics.gauge(name, help, ['state']);
    this.#states = {
      batches: byState('settlement_batches', 'Settlement batches by state'),
      deposits: byState('settlement_deposits', 'Deposits by state'),
      payouts: byState('settlement_payouts', 'Payouts by state'),
    };
    this.#gauges = {
      head: metrics.gauge('chain_head_block', 'Newest block of the node'),
      solid: metrics.gauge('chain_solid_block', 'Newest solidified block of the node'),
      scanned: metrics.gauge('chain_scanned_block', 'Next block that the deposit watcher reads'),
      walletSun: metrics.gauge('hot_wallet_sun', 'TRX of the hot wallet, in sun'),
      reserve: metrics.gauge('reserve_base_units', 'Reserve on chain, in base units', ['asset']),
      shortSeconds: metrics.gauge(
        'reserve_short_seconds',
        'How long the oldest batch waits for a reserve that is short; 0 when none does',
        ['asset'],
      ),
      energyPerPayee: metrics.gauge('settlement_energy_per_payee', 'Mean energy of one payout'),
      feeSun: metrics.gauge('settlement_fee_sun', 'TRX paid for settlement so far, in sun'),
      paused: metrics.gauge('settlement_paused', '1 while nothing may be signed'),
      disagree: metrics.gauge('chain_nodes_disagree', '1 while TRON nodes contradict one another'),
      nodes: metrics.gauge('chain_node_state', '1 for the state that a TRON node is in', [
        'node',
        'state',
      ]),
    };
  }

  async refresh(): Promise<void> {
    const { chain, wallet, scans, deposits, payouts, batches, driver, clock } = this.#sources;
    const { epochDriver, claimDriver } = this.#sources;
    const [depositCounts, payoutCounts, totals, cursor] = await Promise.all([
      deposits.counts(),
      payouts.counts(),
      batches.counts(),
      scans.cursor(),
    ]);
    fill(this.#states.deposits, DEPOSIT, depositCounts);
    fill(this.#states.payouts, PAYOUT, payoutCounts);
    fill(this.#states.batches, BATCH, totals.byState);
    const { payeesPaid, energyUsed, feeSun } = totals;
    this.#gauges.energyPerPayee.set(payeesPaid === 0n ? 0 : Number(energyUsed / payeesPaid));
    this.#gauges.feeSun.set(Number(feeSun));
    this.#gauges.scanned.set(Number(cursor?.nextBlock ?? 0n));
    for (const asset of ASSETS) {
      const sinceMs = driver.shortSinceMs.get(asset);
      const waitedMs = sinceMs === undefined ? 0n : clock() - sinceMs;
      this.#gauges.shortSeconds.set({ asset }, Number(waitedMs) / 1_000);
    }
    const waits = [driver, epochDriver, claimDriver].some(({ paused }) => paused !== '');
    this.#gauges.paused.set(waits || chain.disagreement !== undefined ? 1 : 0);
    const [head, solid, state] = await Promise.all([
      chain.head(),
      chain.solidHead(),
      wallet.read(),
    ]).finally(() => this.#showNodes(chain));
    if (state.blocked !== undefined) this.#gauges.paused.set(1);
    this.#gauges.head.set(Number(head.number));
    this.#gauges.solid.set(Number(solid.number));
    this.#gauges.walletSun.set(Number(state.allowance.trxSun));
    for (const asset of ASSETS) {
      this.#gauges.reserve.set({ asset }, Number(state.reserveBaseUnits[asset]));
    }
  }

  /** Also, and above all, while they say nothing that can be used. */
  #showNodes(chain: QuorumChain): void {
    this.#gauges.disagree.set(chain.disagreement === undefined ? 0 : 1);
    for (const { name: node, state: current } of chain.nodes) {
      for (const state of NODE_STATES) {
        this.#gauges.nodes.set({ node, state }, state === current ? 1 : 0);
      }
    }
  }
}

function fill(
  gauge: { set(labels: { state: string }, value: number): void },
  names: Readonly<Record<string, number>>,
  counts: ReadonlyMap<number, number>,
): void {
  for (const [state, number] of Object.entries(names)) {
    gauge.set({ state }, counts.get(number) ?? 0);
  }
}

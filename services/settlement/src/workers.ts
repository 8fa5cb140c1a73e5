import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Loop } from '#libs/jobs';
import type { Health, Logger, Metrics } from '#libs/observability';
import { isDevelopmentChain, TronNodeError } from '#libs/tron';

import { ServiceMetrics } from './application/service-metrics.js';
import type { SettlementConfig } from './config.js';
import { publicChainProblem } from './domain/public-chain.js';
import type { Parts } from './parts.js';

const INTAKE_PAUSE_MS = 1_000;
const METRICS_PAUSE_MS = 2_000;

/** Everything that runs by itself, in the process that leads. */
export class Workers implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #loops: Loop[];
  #placeChecked = false;

  constructor(
    private readonly config: SettlementConfig,
    private readonly parts: Parts,
    private readonly logger: Logger,
    metrics: Metrics,
    health: Health,
  ) {
    const {
      watcher,
      booking,
      intake,
      reports,
      driver,
      epochDriver,
      claimDriver,
      database,
      books,
      chain,
      clock,
    } = parts;
    const pauseMs = config.POLL_INTERVAL_MS;
    const figures = new ServiceMetrics(metrics, parts);
    this.#loops = [
      this.#loop('deposit watcher', pauseMs, () => watcher.round()),
      this.#loop('deposit booking', pauseMs, () => booking.round()),
      this.#loop('withdrawal intake', INTAKE_PAUSE_MS, async () => (await intake.round()) > 0),
      this.#loop('withdrawal reports', pauseMs, async () => (await reports.round()) > 0),
      this.#loop('batch driver', pauseMs, () => driver.round()),
      this.#loop('epoch driver', pauseMs, () => epochDriver.round()),
      this.#loop('claim driver', pauseMs, () => claimDriver.round()),
      new Loop({
        name: 'figures',
        pauseMs: METRICS_PAUSE_MS,
        logger,
        round: async () => {
          await figures.refresh();
          return false;
        },
      }),
    ];
    health.add('postgres', () => database.ping());
    health.add('ledger', () => books.ping());
    health.add('chain', async () => {
      const { timestampMs } = await chain.head();
      if (clock() - timestampMs > BigInt(config.HEAD_SKEW_MAX_MS))
        throw new Error('the newest block is too old');
    });
    for (const loop of this.#loops) health.add(loop.name, () => loop.assertHealthy());
  }

  /** One settlement run by the schedule; what it cannot do now, the next one does. */
  async settle(): Promise<void> {
    try {
      if (!(await this.#leads())) return;
      const run = await this.parts.runs.run();
      if (!run.ok) this.logger.warn({ reason: run.reason }, run.detail);
    } catch (error) {
      this.logger.warn({ err: error }, 'the scheduled settlement run failed');
    }
  }

  /** Rejects, which ends the process, when key or nodes are not fit for the chain. */
  async onApplicationBootstrap(): Promise<void> {
    try {
      await this.#assertIsFit();
    } catch (error) {
      // A node that does not answer yet is asked again before anything is done.
      if (!(error instanceof TronNodeError)) throw error;
      this.logger.warn({ err: error }, 'the node does not say yet which chain it has');
    }
    for (const loop of this.#loops) loop.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.#loops.map((loop) => loop.stop()));
    this.parts.books.close();
    await this.parts.leader.close();
    await this.parts.database.close();
  }

  #loop(name: string, pauseMs: number, round: () => Promise<boolean>): Loop {
    return new Loop({
      name,
      pauseMs,
      logger: this.logger,
      round: async () => (await this.#leads()) && (await round()),
    });
  }

  async #leads(): Promise<boolean> {
    if (!this.#placeChecked) {
      await this.parts.wallet.assertPlace();
      await this.parts.vaultCheck.assertPeriod(BigInt(this.config.EPOCH_PERIOD_MS));
      await this.#assertIsFit();
      this.#placeChecked = true;
    }
    return this.parts.leader.isLeader();
  }

  async #assertIsFit(): Promise<void> {
    const { nodes, keys, TRON_ONE_NODE: oneNode, HEAD_SKEW_MAX_MS: headSkewMaxMs } = this.config;
    const hosts = nodes.map(({ url }) => new URL(url).host);
    const isKeyClear = keys.kind === 'clear';
    const problem = publicChainProblem({ hosts, isKeyClear, oneNode, headSkewMaxMs });
    if (problem === undefined && hosts.length > 1) return;
    const local = await Promise.all(nodes.map((node) => isDevelopmentChain(node)));
    if (local.every(Boolean)) return;
    if (problem !== undefined) throw new Error(`settlement does not start: ${problem}`);
    const [host] = hosts;
    this.logger.warn({ host }, 'only one TRON node is configured: what it says, nobody confirms');
  }
}

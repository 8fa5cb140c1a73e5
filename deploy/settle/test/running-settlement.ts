import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Asset } from '#libs/contracts';
import { runService } from '#libs/grpc';
import { createLogger } from '#libs/observability';
import { eventually, freePort } from '#libs/testing';
import { settlementModule } from '../../../services/settlement/src/app.module.js';
import { payee, World } from '../../../services/settlement/test/world.js';
import { compiled } from '../../local/src/root.js';

const MAIN = compiled('deploy/settle/src/main.js');

/** From how many units on the batches of this settlement wait for an operator. */
export const LARGE = 1_000n;

/** A settlement service that no launcher of ours runs, on a local chain, with books in memory. */
export class RunningSettlement {
  #requests = 0;

  private constructor(
    readonly world: World,
    /** Address of SettlementService. */
    readonly publicUrl: string,
    /** Address of SettlementOperatorService. */
    readonly internalUrl: string,
    readonly tokenFile: string,
    private readonly app: { close(): Promise<unknown> },
  ) {}

  static async start(): Promise<RunningSettlement> {
    const world = await World.start();
    await world.fillReserves(1_000_000n);
    // Once a year: runs come by hand.
    const config = world.config({
      SETTLEMENT_CRON: '0 0 0 1 1 *',
      APPROVAL_UNITS: LARGE.toString(),
    });
    const logger = createLogger({ name: 'settlement', level: 'silent' });
    const host = '127.0.0.1';
    const [port, internalPort] = [await freePort(), await freePort()];
    const common = { host, reflection: false };
    const app = await runService({
      name: 'settlement',
      logger,
      host,
      httpPort: await freePort(),
      module: settlementModule(config, logger),
      grpcPorts: [
        { ...common, port, services: ['SettlementService'] },
        { ...common, port: internalPort, services: ['SettlementOperatorService'] },
      ],
    });
    const tokenFile = world.env.INTERNAL_TOKEN_FILE ?? '';
    return new RunningSettlement(
      world,
      `${host}:${port}`,
      `${host}:${internalPort}`,
      tokenFile,
      app,
    );
  }

  /** Asks for a payout and waits until settlement has it in its queue; returns its id. */
  async request(units: bigint, asset: Asset): Promise<string> {
    const number = ++this.#requests;
    const id = this.world.books.request(number, asset, payee(number), units);
    await eventually(() => {
      if (this.stateOf(id) !== 'QUEUED') throw new Error(this.stateOf(id));
    });
    return id;
  }

  stateOf(id: string): string {
    return this.world.books.stateOf(id);
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.world.stop();
  }
}

/** Runs `npm run settle` as it would be run, with its output in pipes; the environment is what is given and no more. */
export async function runSettle(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: build first (npm run build)`);
  const { PATH = '' } = process.env;
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH, ...env },
    stdio: [...stdio],
  });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout as NonNullable<typeof child.stdout>),
    text(child.stderr as NonNullable<typeof child.stderr>),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { code, out, err };
}

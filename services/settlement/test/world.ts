import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Devchain, type DevchainOptions, startDevchain } from '#libs/devchain';
import { createLogger } from '#libs/observability';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import {
  abiAddress,
  ChainWallet,
  callData,
  KeySigner,
  readUint,
  type Signer,
  TronWebChain,
} from '#libs/tron';
import { faucetKey, type Provision, provision } from '../../../contracts/src/provision.js';
import { loadConfig, type SettlementConfig } from '../src/config.js';
import { createParts, type Parts } from '../src/parts.js';
import { FakeBooks } from './fake-books.js';

export const HOT_WALLET_KEY = '0c'.repeat(32);
export const TOKEN = 'a test of settlement';
export const UNIT = 10n ** 15n;

/** A local chain, an empty database, the books in memory, and the service's parts over them. */
export class World {
  readonly #open: Parts[] = [];

  private constructor(
    readonly devchain: Devchain,
    readonly place: Provision,
    readonly database: TestDatabase,
    readonly books: FakeBooks,
    readonly chain: TronWebChain,
    readonly faucet: ChainWallet,
    readonly env: Readonly<Record<string, string>>,
  ) {}

  static async start(options: Partial<DevchainOptions> = {}): Promise<World> {
    const devchain = await startDevchain({ blockIntervalMs: 40, solidLagBlocks: 3, ...options });
    const place = await provision(devchain.url, HOT_WALLET_KEY, undefined);
    const database = await freshDatabase();
    const books = new FakeBooks(TOKEN);
    await books.start();
    const folder = mkdtempSync(join(tmpdir(), 'swarmledger-settlement-'));
    writeFileSync(join(folder, 'key'), HOT_WALLET_KEY, { mode: 0o600 });
    writeFileSync(join(folder, 'token'), TOKEN, { mode: 0o600 });
    const node = { url: devchain.url, timeoutMs: 5_000 };
    return new World(
      devchain,
      place,
      database,
      books,
      new TronWebChain(node),
      new ChainWallet(node, faucetKey()),
      {
        LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
        HTTP_PORT: '1',
        GRPC_PORT: '1',
        INTERNAL_GRPC_PORT: '1',
        DATABASE_URL: database.url,
        CHAIN_ID: place.chainId,
        VAULT_ADDRESS: place.vaultAddress,
        TRC20_ADDRESS: place.trc20Address,
        TRC10_ID: place.trc10Id,
        INTERNAL_TOKEN_FILE: join(folder, 'token'),
        HOT_WALLET_KEY_FILE: join(folder, 'key'),
        BALANCE_INTERNAL_URL: books.url,
        TRON_NODE_URL: devchain.url,
        TX_EXPIRATION_MS: '20000',
        REBROADCAST_MS: '300',
        POLL_INTERVAL_MS: '50',
        // The books in memory owe nothing; epochs have a test of their own.
        EPOCH_PERIOD_MS: '0',
        // Tests move the chain's time.
        HEAD_SKEW_MAX_MS: '3600000',
      },
    );
  }

  config(change: Readonly<Record<string, string>> = {}): SettlementConfig {
    return loadConfig({ ...this.env, ...change });
  }

  /** The service as a new process would make it, on the same database. */
  boot(
    change: Readonly<Record<string, string>> = {},
    signer?: Signer,
    clock?: () => bigint,
  ): Parts {
    const config = this.config(change);
    const logger = createLogger({ name: 'test', level: config.LOG_LEVEL });
    const parts = createParts(config, logger, signer, clock);
    this.#open.push(parts);
    return parts;
  }

  /** Ends a process without any goodbye but its connections. */
  async kill(parts: Parts): Promise<void> {
    this.#open.splice(this.#open.indexOf(parts), 1);
    parts.books.close();
    await parts.leader.close();
    await parts.database.close();
  }

  /** Ends all processes, also those of a test that failed. */
  async killAll(): Promise<void> {
    for (const parts of [...this.#open]) await this.kill(parts);
  }

  async stop(): Promise<void> {
    await this.killAll();
    this.books.stop();
    await this.database.drop();
    await this.devchain.stop();
  }

  /** Makes everything that is in a block now solidified. */
  async solidify(): Promise<void> {
    const { headNumber } = this.devchain;
    while (this.devchain.solidNumber < headNumber) await this.devchain.mine();
  }

  /** Moves the chain's time, and so solidified time, past `aheadMs` from now. */
  async passTime(aheadMs: number): Promise<void> {
    await this.devchain.mine(1, this.devchain.headTimestampMs + aheadMs);
    await this.devchain.mine(5);
  }

  /** Makes this the vault's operator, as its owner. */
  async operate(operator: string): Promise<void> {
    const call = callData('setOperator(address)', [abiAddress(operator)]);
    await this.mineUntil(this.faucet.trigger(this.place.vaultAddress, call));
  }

  /** Makes blocks until a transaction is in one of them, and then until that is solidified. */
  async mineUntil(included: Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = included.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await this.devchain.mine();
      await sleep(10);
    }
    await over;
    await this.solidify();
  }

  /** An account with TRX on chain, and base units of our tokens when wanted. */
  async customer(seed: number, trc20 = 0n, trc10 = 0n): Promise<ChainWallet> {
    const key = seed.toString(16).padStart(64, '0');
    const wallet = new ChainWallet({ url: this.devchain.url, timeoutMs: 5_000 }, key);
    await this.faucet.sendTrx(wallet.address, 1_000_000_000n);
    if (trc20 > 0n) {
      await this.faucet.sendTrc20(this.place.trc20Address, wallet.address, trc20);
    }
    if (trc10 > 0n) await this.faucet.sendTrc10(this.place.trc10Id, wallet.address, trc10);
    return wallet;
  }

  /** Fills the reserves by the faucet: TRC-20 in the vault, TRC-10 in the hot wallet. */
  async fillReserves(units: bigint): Promise<void> {
    const { trc20Address, vaultAddress, trc10Id, hotWalletAddress } = this.place;
    await this.faucet.sendTrc20(trc20Address, vaultAddress, units * UNIT);
    await this.faucet.sendTrc10(trc10Id, hotWalletAddress, units);
    await this.solidify();
  }

  async trc20Of(address: string): Promise<bigint> {
    const call = callData('balanceOf(address)', [abiAddress(address)]);
    return readUint(await this.chain.view(this.place.trc20Address, call));
  }

  async trc10Of(address: string): Promise<bigint> {
    return (await this.chain.account(address))?.trc10.get(this.place.trc10Id) ?? 0n;
  }
}

/** An address that nothing was sent to before. */
export function payee(number: number): string {
  return new KeySigner((0x10_000 + number).toString(16).padStart(64, '0')).address;
}

/** Reads the chain to its solidified end. */
export async function scan(parts: Parts): Promise<void> {
  while (await parts.watcher.round());
}

/** One round of everything, as the loops would do it. */
export async function tick(world: World, parts: Parts): Promise<void> {
  await scan(parts);
  await parts.booking.round();
  await parts.driver.round();
  await parts.claimDriver.round();
  await parts.reports.round();
  await world.devchain.mine();
}

/**
 * Ticks until a condition holds. Sending again waits for the clock, not for blocks, so a fast machine
 * ticks more slowly after the first rounds.
 */
export async function tickUntil(
  world: World,
  parts: Parts,
  holds: () => boolean | Promise<boolean>,
  withinMs = 40_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (let ticks = 0; Date.now() < deadline; ticks++) {
    if (await holds()) return;
    await tick(world, parts);
    if (ticks > 20) await sleep(100);
  }
  if (!(await holds())) throw new Error(`still not so after ${withinMs} ms`);
}

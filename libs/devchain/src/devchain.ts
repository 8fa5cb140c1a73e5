import { accountHandlers } from './api/accounts.api.js';
import { assetHandlers } from './api/assets.api.js';
import { blockHandlers } from './api/blocks.api.js';
import { chainHandlers } from './api/chain.api.js';
import { contractHandlers, contractReadHandlers } from './api/contracts.api.js';
import { devHandlers } from './api/dev.api.js';
import { Faucet } from './api/faucet.js';
import { HttpServer } from './api/http-server.js';
import { transactionHandlers } from './api/transactions.api.js';
import { type Fault, Faults, isChainFault } from './chain/faults.js';
import { Ledger } from './chain/ledger.js';
import { ChainNode, type ForkTransactions } from './chain/node.js';
import { Producer } from './chain/producer.js';
import { chainIdOf } from './genesis.js';
import { DEFAULT_OPTIONS, type DevchainOptions } from './options.js';

/** A running development chain. */
export interface Devchain {
  /** Base URL for `new TronWeb({ fullHost })`. */
  readonly url: string;
  readonly port: number;
  /** Base URLs of all nodes of the chain, `url` first. */
  readonly urls: readonly string[];
  /** What the CHAINID opcode returns. */
  readonly chainId: number;
  readonly headNumber: number;
  readonly solidNumber: number;
  readonly headTimestampMs: number;
  /** Seals `blocks` blocks now; the first one at `timestampMs` when given. */
  mine(blocks?: number, timestampMs?: number): Promise<void>;
  /** Undoes unsolidified blocks. @returns ids of their transactions. @throws RangeError */
  fork(blocks: number, transactions?: ForkTransactions): Promise<string[]>;
  /** Pays an address from the faucet. @returns transaction ids, admitted but not yet in a block */
  fund(address: string, trxSun: bigint, trc10Units?: bigint, trc10Id?: string): Promise<string[]>;
  /** Makes the chain misbehave `count` times, or one of its nodes (the first by default). */
  arm(fault: Fault, count?: number, node?: number): void;
  clearFaults(): void;
  setProducing(enabled: boolean): Promise<void>;
  /** Resolves with the error when block production fails, e.g. because the disk is full. */
  readonly failed: Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * Starts a chain in this process.
 * @throws ChainStoreError when DATA_DIR cannot be used; a system error when the port is taken
 */
export async function startDevchain(given: Partial<DevchainOptions> = {}): Promise<Devchain> {
  const options = { ...DEFAULT_OPTIONS, ...given };
  const ledger = new Ledger(options.network, options.solidLagBlocks, options.dataDir);
  const faults = new Faults();
  const node = new ChainNode(ledger, faults, options);
  const failure = Promise.withResolvers<unknown>();
  const producer = new Producer(node, options.blockIntervalMs, failure.resolve);
  const faucet = new Faucet(node);
  const api = [options.port, ...options.morePorts].map((port) => {
    const own = new Faults();
    return { port, faults: own, server: serve(node, producer, faucet, own) };
  });
  const ports: number[] = [];
  try {
    // Clients date their transactions by the head block, which is old at first and after a pause.
    if (options.producing || ledger.headNumber === 0) await node.seal();
    for (const { server, port } of api) ports.push(await server.listen(options.host, port));
  } catch (error) {
    await Promise.all(api.slice(0, ports.length).map(({ server }) => server.close()));
    ledger.close();
    throw error;
  }
  if (options.producing) producer.start();
  const urls = ports.map((port) => `http://${options.host}:${port}`);
  return {
    url: urls[0] ?? '',
    port: ports[0] ?? 0,
    urls,
    chainId: chainIdOf(options.network),
    get headNumber() {
      return ledger.headNumber;
    },
    get solidNumber() {
      return ledger.solidNumber;
    },
    get headTimestampMs() {
      return ledger.headTimestampMs;
    },
    mine: async (blocks = 1, timestampMs?: number) => {
      for (let done = 0; done < blocks; done++) {
        await node.seal(done === 0 ? timestampMs : undefined);
      }
    },
    fork: (blocks, transactions = 'return') => node.fork(blocks, transactions),
    fund: (address, trxSun, trc10Units = 0n, trc10Id) =>
      faucet.fund(address, trxSun, trc10Units, trc10Id),
    arm: (fault, count, at = 0) => {
      const target = isChainFault(fault) ? faults : api[at]?.faults;
      if (target === undefined) throw new RangeError(`the chain has no node ${at}`);
      target.arm(fault, count);
    },
    clearFaults: () => {
      for (const armed of [faults, ...api.map((each) => each.faults)]) armed.clear();
    },
    setProducing: async (enabled) => {
      if (enabled) producer.start();
      else await producer.stop();
    },
    failed: failure.promise,
    stop: async () => {
      await Promise.all(api.map(({ server }) => server.close()));
      await producer.stop();
      // What was accepted is not lost by an orderly stop.
      if (options.producing && node.pendingCount > 0) await node.seal();
      ledger.close();
    },
  };
}

/** One node of the chain: the same blocks and pool as every other, faults of its own. */
function serve(node: ChainNode, producer: Producer, faucet: Faucet, faults: Faults): HttpServer {
  const { ledger } = node;
  return new HttpServer(
    {
      wallet: {
        ...blockHandlers(ledger),
        ...accountHandlers(node),
        ...assetHandlers(ledger),
        ...transactionHandlers(node, faults),
        ...contractHandlers(node),
        ...contractReadHandlers(node),
        ...chainHandlers(ledger),
      },
      dev: devHandlers(node, producer, faucet, faults),
      health: () => ({ status: 'ok', headNumber: ledger.headNumber }),
    },
    faults,
  );
}

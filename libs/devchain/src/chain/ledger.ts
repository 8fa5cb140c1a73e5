import { type BlockHeader, blockId, merkleRoot } from '../codec/block.js';
import { sha256 } from '../codec/hash.js';
import {
  type Transaction,
  transactionFromBytes,
  transactionToBytes,
} from '../codec/transaction.js';
import type { Outcome } from '../execution/outcome.js';
import { genesisHeader, genesisState, WITNESS_ADDRESS } from '../genesis.js';
import { type Changes, type StateReader, World } from '../state/world.js';
import {
  BlockStore,
  type ChainRecord,
  ChainStoreError,
  type Position,
  type StoredBlock,
} from './block.store.js';
import { BlockIndex } from './block-index.js';

export interface Executed {
  readonly transaction: Transaction;
  readonly outcome: Outcome;
}
export interface Block {
  readonly header: BlockHeader;
  readonly id: Buffer;
  readonly transactions: readonly Executed[];
}

const CACHED_BLOCKS_MAX = 256;
const NO_ROOT = Buffer.alloc(32);

/** The chain of blocks, its state, and what of it is solidified. */
export class Ledger {
  readonly index = new BlockIndex();
  readonly world: World;
  private readonly store: BlockStore | undefined;
  /** Records of the blocks that have transactions. */
  private readonly positions = new Map<number, Position>();
  private readonly transactionBlocks = new Map<string, number>();
  private readonly cache = new Map<number, Block>();
  private solid = 0;
  private solidLagBlocks: number;

  /**
   * @param dataDir undefined keeps the chain in memory
   * @throws ChainStoreError when the folder is damaged, in use or of another network
   */
  constructor(
    readonly network: string,
    solidLagBlocks: number,
    dataDir: string | undefined,
  ) {
    this.solidLagBlocks = solidLagBlocks;
    this.world = new World(solidLagBlocks + 1);
    const header = genesisHeader(network);
    this.index.push(blockId(header), header.timestampMs);
    this.world.apply(0, genesisState());
    this.store = dataDir === undefined ? undefined : BlockStore.open(dataDir);
    try {
      this.replay(solidLagBlocks);
    } catch (error) {
      this.store?.close();
      throw error;
    }
  }

  get headNumber(): number {
    return this.index.headNumber;
  }
  get headTimestampMs(): number {
    return this.index.timestampOf(this.headNumber);
  }
  /** The newest block that can no longer be undone; it never falls. */
  get solidNumber(): number {
    return this.solid;
  }
  /** The state after the newest solidified block. */
  get solidState(): StateReader {
    return this.world.at(this.solid);
  }

  /** Seals a block on top of the head, writing it to disk before anything can see it. */
  append(timestampMs: number, transactions: readonly Executed[], changes: Changes): Block {
    const bytes = transactions.map(({ transaction, outcome }) =>
      transactionToBytes(transaction, outcome.result),
    );
    const header = this.nextHeader(
      timestampMs,
      bytes.length > 0 ? merkleRoot(bytes.map(sha256)) : NO_ROOT,
    );
    const id = blockId(header);
    if (transactions.length === 0) {
      this.store?.append({ kind: 'empty', timestampMs }, false);
    } else {
      const stored: StoredBlock = {
        number: header.number,
        timestampMs,
        id,
        txTrieRoot: header.txTrieRoot,
        transactions: transactions.map(({ outcome }, at) => ({
          bytes: bytes[at] ?? new Uint8Array(),
          outcome,
        })),
      };
      const position = this.store?.append({ kind: 'block', block: stored, changes }, true);
      if (position !== undefined) this.positions.set(header.number, position);
    }
    const block = { header, id, transactions };
    this.admit(block, changes);
    this.remember(block);
    return block;
  }

  /** Undoes the newest `count` blocks. @returns their transactions, oldest first */
  cut(count: number): Transaction[] {
    if (!Number.isInteger(count) || count < 1 || count > this.headNumber - this.solid) {
      throw new RangeError(
        `only ${this.headNumber - this.solid} unsolidified blocks can be undone`,
      );
    }
    const to = this.headNumber - count;
    const undone = this.blocks(to + 1, this.headNumber).flatMap(({ transactions }) =>
      transactions.map(({ transaction }) => transaction),
    );
    this.store?.append({ kind: 'cut', toNumber: to }, true);
    this.undo(to);
    return undone;
  }

  /** A block, or undefined when there is none with this number. */
  block(number: number): Block | undefined {
    if (!Number.isInteger(number) || number < 0 || number > this.headNumber) return undefined;
    const cached = this.cache.get(number);
    if (cached !== undefined) return cached;
    const position = this.positions.get(number);
    const block = position === undefined ? this.emptyBlock(number) : this.storedBlock(position);
    if (position !== undefined) this.remember(block);
    return block;
  }

  /** Blocks `from`…`to`, both included, as far as they exist. */
  blocks(from: number, to: number): Block[] {
    const found: Block[] = [];
    for (let number = Math.max(0, from); number <= Math.min(to, this.headNumber); number++) {
      const block = this.block(number);
      if (block !== undefined) found.push(block);
    }
    return found;
  }

  /** The number of the block a transaction is in. */
  blockOf(txId: string): number | undefined {
    return this.transactionBlocks.get(txId);
  }

  /** A transaction with its block. */
  find(txId: string): (Executed & { block: Block }) | undefined {
    const number = this.transactionBlocks.get(txId);
    const block = number === undefined ? undefined : this.block(number);
    const executed = block?.transactions.find(({ transaction }) => transaction.txId === txId);
    return block === undefined || executed === undefined ? undefined : { ...executed, block };
  }

  close(): void {
    this.store?.close();
  }

  private nextHeader(timestampMs: number, txTrieRoot: Uint8Array): BlockHeader {
    if (timestampMs <= this.headTimestampMs) throw new Error('block time must increase');
    return {
      number: this.headNumber + 1,
      timestampMs,
      parentId: this.index.idOf(this.headNumber),
      txTrieRoot,
      witness: WITNESS_ADDRESS,
    };
  }

  private admit(
    block: Omit<Block, 'transactions'> & {
      transactions: readonly { transaction: { txId: string } }[];
    },
    changes: Changes,
  ): void {
    this.index.push(block.id, block.header.timestampMs);
    this.world.apply(block.header.number, changes);
    for (const { transaction } of block.transactions) {
      this.transactionBlocks.set(transaction.txId, block.header.number);
    }
    this.solid = Math.max(this.solid, this.headNumber - this.solidLagBlocks);
  }

  private undo(to: number): void {
    for (let number = this.headNumber; number > to; number--) {
      for (const { transaction } of this.block(number)?.transactions ?? []) {
        this.transactionBlocks.delete(transaction.txId);
      }
      this.world.revert(number);
      this.positions.delete(number);
      this.cache.delete(number);
      this.index.truncate(number - 1);
    }
  }

  private remember(block: Block): void {
    if (block.transactions.length === 0) return;
    this.cache.set(block.header.number, block);
    // Without a store this is the only copy, so nothing may be dropped.
    if (this.store === undefined || this.cache.size <= CACHED_BLOCKS_MAX) return;
    const [oldest] = this.cache.keys();
    if (oldest !== undefined) this.cache.delete(oldest);
  }

  private emptyBlock(number: number): Block {
    const id = this.index.idOf(number);
    if (number === 0) return { header: genesisHeader(this.network), id, transactions: [] };
    const header = {
      number,
      timestampMs: this.index.timestampOf(number),
      parentId: this.index.idOf(number - 1),
      txTrieRoot: NO_ROOT,
      witness: WITNESS_ADDRESS,
    };
    return { header, id, transactions: [] };
  }

  private storedBlock(position: Position): Block {
    if (this.store === undefined) throw new Error('a chain in memory has no records');
    const stored = this.store.read(position);
    return {
      header: {
        number: stored.number,
        timestampMs: stored.timestampMs,
        parentId: this.index.idOf(stored.number - 1),
        txTrieRoot: stored.txTrieRoot,
        witness: WITNESS_ADDRESS,
      },
      id: Buffer.from(stored.id),
      transactions: stored.transactions.map(({ bytes, outcome }) => ({
        transaction: transactionFromBytes(bytes),
        outcome,
      })),
    };
  }

  private replay(solidLagBlocks: number): void {
    if (this.store === undefined) return;
    let first = true;
    for (const { record, position } of this.store.load()) {
      if (first && record.kind !== 'settings') throw new ChainStoreError('chain.log has no header');
      first = false;
      this.replayRecord(record, position);
    }
    if (!first && this.solidLagBlocks === solidLagBlocks) return;
    this.store.append({ kind: 'settings', network: this.network, solidLagBlocks }, true);
    this.setLag(solidLagBlocks);
  }

  private replayRecord(record: ChainRecord, position: Position): void {
    switch (record.kind) {
      case 'settings':
        if (record.network !== this.network) {
          throw new ChainStoreError(`DATA_DIR holds the chain of network ${record.network}`);
        }
        this.setLag(record.solidLagBlocks);
        break;
      case 'empty': {
        const header = this.nextHeader(record.timestampMs, NO_ROOT);
        this.admit({ header, id: blockId(header), transactions: [] }, new Map());
        break;
      }
      case 'block':
        this.replayBlock(record.block, record.changes, position);
        break;
      case 'cut':
        this.undo(record.toNumber);
        break;
    }
  }

  private setLag(solidLagBlocks: number): void {
    this.solidLagBlocks = solidLagBlocks;
    this.world.keep(solidLagBlocks + 1);
  }

  private replayBlock(stored: StoredBlock, changes: Changes, position: Position): void {
    const header = this.nextHeader(stored.timestampMs, stored.txTrieRoot);
    const id = blockId(header);
    if (!id.equals(stored.id))
      throw new ChainStoreError(`block ${header.number} does not follow its parent`);
    this.positions.set(header.number, position);
    const transactions = stored.transactions.map(({ bytes }) => ({
      transaction: transactionFromBytes(bytes),
    }));
    this.admit({ header, id, transactions }, changes);
  }
}

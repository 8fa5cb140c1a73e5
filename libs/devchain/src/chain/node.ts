import { addressKey } from '../codec/address.js';
import { intOf } from '../codec/protobuf.js';
import type { Transaction } from '../codec/transaction.js';
import { type BlockContext, type Call, type CallResult, Machine } from '../evm/machine.js';
import { TransactionRefused } from '../execution/outcome.js';
import { executeTransaction } from '../execution/transaction.execution.js';
import { chainIdOf, WITNESS_ADDRESS } from '../genesis.js';
import { accountOf } from '../state/accounts.js';
import { Overlay, type StateReader } from '../state/world.js';
import { checkCommon, checkReference, checkSignatures } from './admission.js';
import type { Faults } from './faults.js';
import type { Block, Executed, Ledger } from './ledger.js';
import { Lock } from './lock.js';

interface Pending {
  readonly timestampMs: number;
  readonly overlay: Overlay;
  readonly executed: Executed[];
}

/** A transaction that was accepted and is kept back. */
interface Held {
  readonly transaction: Transaction;
  readonly expirationMs: number;
  /** The time of the block that is to hold it. */
  readonly dueMs: number;
}

export interface NodeOptions {
  readonly blockIntervalMs: number;
  readonly pendingMax: number;
  readonly now: () => number;
}

/** What becomes of the transactions of undone blocks. */
export type ForkTransactions = 'return' | 'drop';

/** One node: admits transactions, executes them on a pending block, seals and undoes blocks. */
export class ChainNode {
  private readonly lock = new Lock();
  private readonly machine: Machine;
  private pending: Pending | undefined;
  private pendingIds = new Set<string>();
  private lastActiveMs: number;
  /** Told when the first transaction of a block has been admitted. */
  onPending: () => void = () => undefined;
  /** Accepted, but kept out of blocks until around their expiration (a fault). */
  private held: Held[] = [];

  constructor(
    readonly ledger: Ledger,
    readonly faults: Faults,
    private readonly options: NodeOptions,
  ) {
    this.lastActiveMs = options.now();
    this.machine = new Machine(chainIdOf(ledger.network), (number) =>
      number <= ledger.headNumber ? ledger.index.idOf(number) : new Uint8Array(32),
    );
  }

  now(): number {
    return this.options.now();
  }
  get pendingCount(): number {
    return this.pendingIds.size;
  }
  get pendingTxIds(): string[] {
    return [...this.pendingIds];
  }

  /** Checks whether an unsigned transaction could be executed now. @throws TransactionRefused */
  dryRun(transaction: Transaction): Promise<void> {
    return this.lock.run(() => this.tryOut(transaction));
  }

  /** How long ago a transaction was last admitted. */
  get idleMs(): number {
    return this.now() - this.lastActiveMs;
  }

  /** Admits a signed transaction to the next block. @throws TransactionRefused */
  async submit(transaction: Transaction): Promise<void> {
    if (this.lock.queued + this.pendingIds.size >= this.options.pendingMax) {
      throw new TransactionRefused('SERVER_BUSY', 'Server busy.');
    }
    await this.lock.run(async () => {
      this.checkNew(transaction);
      if (this.faults.take('drop') !== undefined) {
        await this.tryOut(transaction);
        return;
      }
      const hold = this.faults.take('hold');
      if (hold !== undefined) {
        await this.tryOut(transaction);
        this.held.push({ transaction, ...dueTimes(transaction, hold.offsetMs ?? -1) });
        this.pendingIds.add(transaction.txId);
        return;
      }
      this.pending ??= this.open(this.nextSlotMs());
      await this.execute(this.pending, transaction);
      this.pendingIds.add(transaction.txId);
      this.lastActiveMs = this.now();
      if (this.pending.executed.length === 1) this.onPending();
    });
  }

  /**
   * Seals the next block.
   * @param timestampMs its time; by default the time its transactions were executed for, or now
   */
  seal(timestampMs?: number): Promise<Block> {
    return this.lock.run(() => this.sealNow(timestampMs), true);
  }

  /** Undoes `blocks` unsolidified blocks. @throws RangeError when there are fewer */
  fork(blocks: number, transactions: ForkTransactions): Promise<string[]> {
    return this.lock.run(async () => {
      const waiting = this.pending?.executed.map(({ transaction }) => transaction) ?? [];
      const undone = this.ledger.cut(blocks);
      const back = transactions === 'return' ? [...undone, ...waiting] : waiting;
      this.pending = undefined;
      this.pendingIds = new Set(this.held.map(({ transaction }) => transaction.txId));
      await this.readmit(back, this.nextSlotMs());
      return undone.map(({ txId }) => txId);
    });
  }

  /** Runs a call on the head's state (or the solidified one) and forgets its changes. */
  call(call: Call, solid: boolean): Promise<CallResult> {
    return this.lock.run(() => {
      const { ledger } = this;
      const number = solid ? ledger.solidNumber : ledger.headNumber;
      const state: StateReader = solid ? ledger.solidState : ledger.world;
      if ((accountOf(state, call.caller)?.balanceSun ?? 0n) < call.valueSun) {
        throw new TransactionRefused(
          'CONTRACT_VALIDATE_ERROR',
          'Validate InternalTransfer error, balance is not sufficient.',
        );
      }
      const block = this.context(number, ledger.index.timestampOf(number));
      return this.machine.run(new Overlay(state), block, call);
    });
  }

  private checkNew(transaction: Transaction): void {
    const { ledger } = this;
    const { txId } = transaction;
    if (this.pendingIds.has(txId) || ledger.blockOf(txId) !== undefined) {
      throw new TransactionRefused('DUP_TRANSACTION_ERROR', 'Dup transaction.');
    }
    checkSignatures(transaction, this.pending?.overlay ?? ledger.world);
    checkReference(transaction, ledger.index);
    checkCommon(transaction, ledger.headTimestampMs);
  }

  /** Executes without keeping anything, so that only what would be valid is lost or held. */
  private async tryOut(transaction: Transaction): Promise<void> {
    const overlay = new Overlay(this.pending?.overlay ?? this.ledger.world);
    const block = this.context(this.ledger.headNumber + 1, this.nextSlotMs());
    await executeTransaction(transaction, overlay, block, this.machine);
  }

  private async execute(pending: Pending, transaction: Transaction): Promise<void> {
    const { overlay, timestampMs } = pending;
    const block = this.context(this.ledger.headNumber + 1, timestampMs);
    overlay.checkpoint();
    try {
      const isCall = transaction.type === 'TriggerSmartContract';
      const fault = isCall
        ? (this.faults.take('fail-call') ?? this.faults.take('cut-fee-limit'))
        : undefined;
      const outcome = await executeTransaction(transaction, overlay, block, this.machine, fault);
      overlay.commit();
      pending.executed.push({ transaction, outcome });
    } catch (error) {
      overlay.revert();
      throw error;
    }
  }

  private async sealNow(timestampMs: number | undefined): Promise<Block> {
    const slotMs =
      timestampMs ?? this.slotForHeld(this.pending?.timestampMs ?? this.currentSlotMs());
    await this.releaseHeld(slotMs);
    if (this.pending !== undefined && this.pending.timestampMs !== slotMs) {
      const waiting = this.pending.executed.map(({ transaction }) => transaction);
      this.pending = undefined;
      await this.readmit(waiting, slotMs);
    }
    const { pending } = this;
    const block = this.ledger.append(
      slotMs,
      pending?.executed ?? [],
      pending?.overlay.changes ?? new Map(),
    );
    this.pending = undefined;
    this.pendingIds = new Set(this.held.map(({ transaction }) => transaction.txId));
    return block;
  }

  /** Executes transactions anew; those no longer valid fall out, as they do in a real fork. */
  private async readmit(transactions: readonly Transaction[], timestampMs: number): Promise<void> {
    for (const transaction of transactions) {
      try {
        checkReference(transaction, this.ledger.index);
        checkCommon(transaction, this.ledger.headTimestampMs);
        this.pending ??= this.open(timestampMs);
        await this.execute(this.pending, transaction);
        this.pendingIds.add(transaction.txId);
      } catch (error) {
        if (!(error instanceof TransactionRefused)) throw error;
        this.pendingIds.delete(transaction.txId);
      }
    }
  }

  /** Lets held transactions go when the block after this one would be too late. */
  private async releaseHeld(slotMs: number): Promise<void> {
    const step = this.options.blockIntervalMs;
    const isDue = ({ dueMs, expirationMs }: Held) =>
      dueMs < expirationMs ? dueMs < slotMs + step : dueMs <= slotMs;
    const due = this.held.filter(isDue);
    if (due.length === 0) return;
    this.held = this.held.filter((held) => !due.includes(held));
    await this.readmit(
      due.map(({ transaction }) => transaction),
      slotMs,
    );
  }

  /** A slot at or after `slotMs`: those between a held transaction's expiration and its time are missed. */
  private slotForHeld(slotMs: number): number {
    const missed = this.held.filter((held) => slotMs >= held.expirationMs && slotMs < held.dueMs);
    return Math.max(slotMs, ...missed.map(({ dueMs }) => dueMs));
  }

  private open(timestampMs: number): Pending {
    return { timestampMs, overlay: new Overlay(this.ledger.world), executed: [] };
  }

  private context(number: number, timestampMs: number): BlockContext {
    return { number, timestampMs, witness: WITNESS_ADDRESS };
  }

  /** The slot that is running; never before the head's. */
  private currentSlotMs(): number {
    const step = this.options.blockIntervalMs;
    const slotMs = Math.floor(this.now() / step) * step;
    return Math.max(slotMs, this.ledger.headTimestampMs + step);
  }

  /** The slot after it, for which transactions that arrive now are executed. */
  private nextSlotMs(): number {
    const step = this.options.blockIntervalMs;
    const slotMs = (Math.floor(this.now() / step) + 1) * step;
    return Math.max(slotMs, this.ledger.headTimestampMs + step);
  }
}

function dueTimes(transaction: Transaction, offsetMs: number) {
  const expirationMs = Number(intOf(transaction.raw, 'expiration'));
  return { expirationMs, dueMs: expirationMs + offsetMs };
}

/** State key used where a constant call names no caller. */
export const NOBODY = addressKey(Buffer.concat([Buffer.of(0x41), Buffer.alloc(20)]));

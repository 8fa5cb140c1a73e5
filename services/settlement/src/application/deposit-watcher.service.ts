import { assetToWire } from '#libs/contracts';
import { failPoint } from '#libs/failpoints';
import {
  type ChainLog,
  type ChainTransaction,
  readBatchPaid,
  readClaimed,
  readClaimsCommitted,
  readClaimsReleased,
  readDeposited,
  readPayoutFailed,
  readTrc20Transfer,
  type SolidBlock,
  type TronChain,
  TronNodeError,
  type VaultDeposit,
} from '#libs/tron';
import { type DepositVerdict, judgeDeposit, type TransferIn } from '../domain/deposit.js';
import { type FormerWallets, formerWallets, newestBlock } from '../domain/hot-wallets.js';
import { DEPOSIT } from '../domain/states.js';
import type { HotWalletRepository } from '../repositories/hot-wallet.repository.js';
import type {
  Cursor,
  ScanRepository,
  ScanResult,
  SeenDeposit,
} from '../repositories/scan.repository.js';
import type { Clock } from './clock.js';
import { ForeignTokens } from './foreign-tokens.js';
import { type ChainPlace, ownAddresses } from './ports.js';
import type { VaultCheckService } from './vault-check.service.js';

const BLOCKS_PER_ROUND = 32n;
const START_GAP_MAX_BLOCKS = 1_000_000n;

type Found = { transfer: TransferIn; readonly txid: string; readonly index: number };

/**
 * Reads the solidified chain block by block, without a gap, and stores what concerns the ledger:
 * deposits, and what became of the hot wallet's own transactions. It decides nothing about money
 * that has not been solidified.
 */
export class DepositWatcherService {
  #isInUse = false;

  constructor(
    private readonly chain: TronChain,
    private readonly scans: ScanRepository,
    private readonly hotWallets: HotWalletRepository,
    private readonly vault: VaultCheckService,
    private readonly place: ChainPlace,
    private readonly clock: Clock,
    /** First block to read when nothing was read before. */
    private readonly startBlock: bigint | undefined,
  ) {}

  /** Reads the next blocks; true when there are more. */
  async round(): Promise<boolean> {
    const solid = await this.chain.solidHead();
    const former = await this.#formerWallets(solid.number);
    const cursor = (await this.scans.cursor()) ?? (await this.#begin(solid.number));
    const last = min(solid.number, cursor.nextBlock + BLOCKS_PER_ROUND - 1n);
    if (last < cursor.nextBlock) return false;
    const numbers: bigint[] = [];
    for (let number = cursor.nextBlock; number <= last; number++) numbers.push(number);
    // What was signed before the hot wallet's key was changed has another sender, and is no less ours.
    const undecided = await this.scans.undecided();
    const blocks = await Promise.all(numbers.map((number) => this.chain.solidBlock(number)));
    let position = cursor;
    const result: Mutable<ScanResult> = {
      deposits: [],
      own: [],
      vaultPayments: [],
      failedPayouts: [],
      claimed: [],
      released: [],
      foreignTokens: [],
    };
    const { trc20, trc10Id, vault, hotWallet } = this.place;
    const recipients = [vault, hotWallet, ...former.keys()];
    const foreign = new ForeignTokens({ trc20, trc10Id, recipients });
    for (const block of blocks) {
      if (block === undefined) break;
      assertFollows(position, block);
      for (const transaction of block.transactions) {
        const { owner = '', txid } = transaction;
        const isOurs =
          owner === hotWallet || wasOurs(former, owner, block.number) || undecided.has(txid);
        await this.#read(block, transaction, { isOurs, former }, result);
        if (transaction.succeeded) foreign.read(transaction, block.number);
      }
      position = {
        nextBlock: block.number + 1n,
        lastBlockId: block.id,
        lastTimestampMs: block.timestampMs,
      };
    }
    if (position.nextBlock === cursor.nextBlock) return false;
    const concernsUs = Object.values(result).some((found) => found.length > 0);
    if (concernsUs) failPoint('settlement.before-scan-stored');
    result.foreignTokens.push(...foreign.list());
    await this.scans.advance(cursor.nextBlock, position, result, this.clock());
    if (concernsUs) failPoint('settlement.after-scan-stored');
    return position.nextBlock <= solid.number;
  }

  /** Rejects when this process has a wrong key, or one that another process has replaced. */
  async #formerWallets(solidBlock: bigint): Promise<FormerWallets> {
    const { hotWallet } = this.place;
    let wallets = await this.hotWallets.list();
    const newest = wallets.at(-1);
    if (newest?.address !== hotWallet) {
      if (this.#isInUse) {
        throw new Error(
          `${newest?.address} is the hot wallet since block ${newest?.sinceBlock}: this process still has ${hotWallet}`,
        );
      }
      await this.vault.assertOperator();
      const { number: headBlock } = await this.chain.head();
      wallets = await this.hotWallets.use(hotWallet, newestBlock(solidBlock, headBlock));
    }
    this.#isInUse = true;
    return formerWallets(wallets, hotWallet);
  }

  async #begin(solidNumber: bigint): Promise<Cursor> {
    if (this.startBlock === undefined && solidNumber > START_GAP_MAX_BLOCKS) {
      throw new Error(
        'set DEPOSIT_START_BLOCK to the block in which the vault was deployed: this chain is too long to be read from its beginning',
      );
    }
    await this.scans.begin(this.startBlock ?? 1n);
    const cursor = await this.scans.cursor();
    if (cursor === undefined) throw new Error('the cursor was not stored');
    return cursor;
  }

  async #read(
    block: SolidBlock,
    transaction: ChainTransaction,
    { isOurs, former }: { readonly isOurs: boolean; readonly former: FormerWallets },
    result: Mutable<ScanResult>,
  ): Promise<void> {
    const blockNumber = block.number;
    const { txid, succeeded, energyUsed, feeSun } = transaction;
    const vaultLogs = transaction.logs.filter(({ contract }) => contract === this.place.vault);
    const found = <T>(read: (log: ChainLog) => T | undefined): T[] =>
      vaultLogs.map(read).filter((it) => it !== undefined);
    const executed = [
      ...found(readBatchPaid).map((chainBatchId) => ({ chainBatchId, toClaim: false })),
      ...found(readClaimsCommitted).map((chainBatchId) => ({ chainBatchId, toClaim: true })),
    ];
    const place = { txid, blockNumber };
    result.vaultPayments.push(...executed.map((each) => ({ ...each, ...place })));
    result.failedPayouts.push(...found(readPayoutFailed));
    result.claimed.push(...found(readClaimed).map((line) => ({ ...line, ...place })));
    result.released.push(...found(readClaimsReleased).map((set) => ({ ...set, ...place })));
    if (isOurs) {
      const { result: word } = transaction;
      result.own.push({ txid, blockNumber, succeeded, result: word, energyUsed, feeSun });
    }
    if (!succeeded) return;
    const own = new Set([...ownAddresses(this.place), ...former.keys()]);
    for (const found of this.#transfersIn(transaction, former, blockNumber)) {
      const deposit = await this.#judge(found, blockNumber, own);
      if (deposit !== undefined) result.deposits.push(deposit);
    }
  }

  /** Transfers of exactly our assets to exactly our addresses, of before too; names and symbols do not matter. */
  #transfersIn(transaction: ChainTransaction, former: FormerWallets, blockNumber: bigint): Found[] {
    const { trc20, trc10Id, vault, hotWallet } = this.place;
    const { txid, trc10 } = transaction;
    const found: Found[] = [];
    const isWallet = (to: string) => to === hotWallet || former.has(to);
    if (trc10?.tokenId === trc10Id && isWallet(trc10.to)) {
      const { from, to, amountBaseUnits: baseUnits } = trc10;
      // Who else may have the key of a former wallet, nobody knows: what comes later is an operator's to decide.
      const misdirected = to !== hotWallet && !wasOurs(former, to, blockNumber);
      const transfer = { asset: 'TRC10_BTTOLD', from, baseUnits, misdirected } as const;
      found.push({ transfer, txid, index: 0 });
    }
    for (const [index, log] of transaction.logs.entries()) {
      if (log.contract === vault) attribute(found, readDeposited(log));
      if (log.contract !== trc20) continue;
      const transfer = readTrc20Transfer(log);
      if (transfer === undefined || !(transfer.to === vault || isWallet(transfer.to))) continue;
      const { from, amountBaseUnits: baseUnits } = transfer;
      const misdirected = transfer.to !== vault;
      found.push({ transfer: { asset: 'TRC20_BTT', from, baseUnits, misdirected }, txid, index });
    }
    return found.filter(({ transfer }) => transfer.baseUnits > 0n);
  }

  async #judge(
    found: Found,
    blockNumber: bigint,
    own: ReadonlySet<string>,
  ): Promise<SeenDeposit | undefined> {
    const { transfer, txid, index } = found;
    const sender = await this.chain.account(transfer.from);
    const isContract = sender?.isContract === true;
    const verdict = judgeDeposit(transfer, { isContract }, own);
    if (verdict.kind === 'own') return undefined;
    return {
      txid,
      index,
      asset: assetToWire(transfer.asset),
      sender: transfer.from,
      account: transfer.account,
      baseUnits: transfer.baseUnits,
      units: verdict.kind === 'dust' ? 0n : verdict.units,
      state: STATE_OF[verdict.kind],
      suspense: verdict.kind === 'credit' && verdict.suspense,
      note: 'note' in verdict ? verdict.note : '',
      blockNumber,
    };
  }
}

const STATE_OF: Readonly<Record<Exclude<DepositVerdict['kind'], 'own'>, number>> = {
  credit: DEPOSIT.seen,
  dust: DEPOSIT.dust,
  misdirect: DEPOSIT.misdirected,
  hold: DEPOSIT.held,
};

type Mutable<T> = { [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

// The vault logs for whom a deposit is right after the token has logged the transfer, which it has
// checked to be exactly that. Every log names one transfer, so the newest that nobody has named yet is meant.
function attribute(found: readonly Found[], deposit: VaultDeposit | undefined): void {
  if (deposit === undefined) return;
  const { account, from, amountBaseUnits } = deposit;
  const meant = found.findLast(
    ({ transfer }) =>
      transfer.asset === 'TRC20_BTT' &&
      transfer.misdirected === false &&
      transfer.account === undefined &&
      transfer.from === from &&
      transfer.baseUnits === amountBaseUnits,
  );
  if (meant !== undefined) meant.transfer = { ...meant.transfer, account };
}

function wasOurs(former: FormerWallets, address: string, blockNumber: bigint): boolean {
  const until = former.get(address);
  return until !== undefined && blockNumber <= until;
}

// A solidified chain never changes. If it seems to, a node lies or follows another chain.
function assertFollows(cursor: Cursor, block: SolidBlock): void {
  if (cursor.lastBlockId !== '' && block.parentId !== cursor.lastBlockId) {
    throw new TronNodeError(
      'contradiction',
      `solidified block ${block.number} does not follow the one read before it`,
    );
  }
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

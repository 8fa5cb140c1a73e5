import { randomBytes } from 'node:crypto';
import { createKeccak } from 'hash-wasm';
import type {
  AccountLiability,
  ChannelLiability,
  LiabilitiesHead,
  OpenWithdrawal,
} from '#libs/contracts';
import { addressBytes, type Units } from '#libs/domain';
import type { Logger } from '#libs/observability';
import { placeOf, type Salted, saltOf, shortfall } from '../domain/epoch.js';
import { BATCH } from '../domain/states.js';
import type {
  BatchedPayout,
  EpochPayout,
  EpochRepository,
} from '../repositories/epoch.repository.js';
import type { Clock } from './clock.js';
import type { LiabilitySource } from './ports.js';
import { TreeWriter } from './tree-writer.js';
import type { VaultCheckService } from './vault-check.service.js';

/** An epoch that must not be committed: what is owed cannot be right, or is not covered. */
export class EpochRefusedError extends Error {
  override readonly name = 'EpochRefusedError';
}

/** What the leaves that were written add up to. */
type Sums = { accounts: Units; channels: Units; withdrawals: Units };

/** What the making of one epoch remembers between pieces. */
type Making = {
  readonly tree: TreeWriter;
  readonly secret: Buffer;
  readonly withdrawals: OpenWithdrawal[];
  readonly sums: Sums;
  head: LiabilitiesHead | undefined;
  placed: Placed | undefined;
};

type Placed = {
  /** Asked to be withdrawn and still its account's, by account. */
  readonly ofAccounts: Map<string, Units>;
  readonly lines: readonly BatchedPayout[];
  readonly payouts: readonly EpochPayout[];
  /** Batches that this epoch lets go once it is committed. */
  readonly batchNos: readonly bigint[];
  readonly leavingUnits: Units;
};

/** Makes epochs: a snapshot of the ledger becomes a tree that is stored and waits to be committed. */
export class EpochMakerService {
  constructor(
    private readonly epochs: EpochRepository,
    private readonly books: LiabilitySource,
    private readonly vault: VaultCheckService,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly kept: number,
  ) {}

  /**
   * Makes the epoch that follows; false when nothing is owed to anybody. Throws an EpochRefusedError when it must
   * not be committed.
   */
  async make(): Promise<boolean> {
    const atMs = this.clock();
    // Before the ledger is read: it must count all of their withdrawals as open, unless it has ended one.
    const asking = await this.epochs.asking();
    const keccak = await createKeccak(256);
    const hash = (bytes: Uint8Array) => keccak.init().update(bytes).digest('binary');
    const making: Making = {
      tree: new TreeWriter(this.epochs, await this.epochs.beginBuild(), hash),
      secret: randomBytes(32),
      withdrawals: [],
      sums: { accounts: 0n, channels: 0n, withdrawals: 0n },
      head: undefined,
      placed: undefined,
    };
    for await (const { piece } of this.books.liabilities()) {
      if (piece?.$case === 'head') making.head = piece.value;
      if (piece?.$case === 'withdrawals') making.withdrawals.push(...piece.value.withdrawals);
      if (piece?.$case === 'accounts') await this.#addAccounts(making, piece.value.accounts);
      if (piece?.$case === 'channels') await this.#addChannels(making, piece.value.channels);
    }
    const placed = await this.#placed(making);
    await addLines(making.tree, placed.lines);
    checkSums(making, placed);
    if (making.tree.leaves === 0) return false;
    const strayNos = asking.filter((batchNo) => !placed.batchNos.includes(batchNo));
    await this.#store(making, { ...placed, strayNos }, atMs);
    await this.epochs.forget(this.kept);
    return true;
  }

  async #addAccounts(making: Making, accounts: readonly AccountLiability[]): Promise<void> {
    const { ofAccounts } = await this.#placed(making);
    for (const { account, units: outside } of accounts) {
      making.sums.accounts += outside;
      const units = outside + (ofAccounts.get(account) ?? 0n);
      ofAccounts.delete(account);
      if (units === 0n) continue;
      if (units < 0n) throw new EpochRefusedError(`account ${account} owns ${units} units`);
      const salt = saltFor(making, { kind: 0x00, id: addressBytes(account) });
      await making.tree.add({ kind: 'account', salt, account, units }, account);
    }
  }

  async #addChannels(making: Making, channels: readonly ChannelLiability[]): Promise<void> {
    for (const channel of channels) {
      const { channelId } = channel;
      making.sums.channels += channel.remainingUnits;
      const salt = saltFor(making, { kind: 0x02, id: channelId });
      await making.tree.add({ kind: 'channel', salt, ...channel }, channelId.toString('hex'));
    }
  }

  /**
   * Settles where withdrawals count. Settlement's own tables are read after the ledger's moment: whatever has moved
   * since then has moved forward, and a batch that the snapshot does not know waits for the next epoch.
   */
  async #placed(making: Making): Promise<Placed> {
    making.placed ??= await this.#place(making);
    return making.placed;
  }

  async #place(making: Making): Promise<Placed> {
    const known = await this.epochs.batched(making.withdrawals.map((each) => each.withdrawalId));
    const byId = new Map(known.map((payout) => [payout.withdrawalId.toString('hex'), payout]));
    const ofAccounts = new Map<string, Units>();
    const [outside, payouts]: [BatchedPayout[], EpochPayout[]] = [[], []];
    for (const { withdrawalId, account, amountUnits } of making.withdrawals) {
      making.sums.withdrawals += amountUnits;
      const payout = byId.get(withdrawalId.toString('hex'));
      const place = placeOf(payout);
      if (place === 'account' || payout === undefined) {
        ofAccounts.set(account, (ofAccounts.get(account) ?? 0n) + amountUnits);
        continue;
      }
      const { batchNo, line } = payout;
      payouts.push({ withdrawalId, batchNo, line, inTree: place === 'line' });
      outside.push(payout);
    }
    const lines = outside.filter((payout) => placeOf(payout) === 'line');
    const leaving = outside.filter(({ isLeaving, batchState }) => {
      return isLeaving && batchState === BATCH.planned;
    });
    return {
      ofAccounts,
      lines,
      payouts,
      batchNos: wholeBatches([...lines, ...leaving]),
      // One that an earlier epoch has cleared may be paid by now.
      leavingUnits: sumUnits(leaving.filter(({ isCleared }) => !isCleared)),
    };
  }

  async #store(
    making: Making,
    placed: Placed & { strayNos: readonly bigint[] },
    atMs: bigint,
  ): Promise<void> {
    const { tree, secret, head } = making;
    const { root, totalUnits } = await tree.finish();
    const backing = await this.vault.backing(totalUnits, placed.lines, placed.leavingUnits);
    const short = shortfall(backing);
    if (short !== undefined) throw new EpochRefusedError(short);
    const { lastNo } = await this.epochs.need();
    const committed = await this.vault.lastEpoch();
    const epochNo = (lastNo !== null && lastNo > committed ? lastNo : committed) + 1n;
    await this.epochs.store({
      ...backing,
      epochNo,
      buildNo: tree.buildNo,
      atMs,
      secret,
      root: Buffer.from(root),
      leaves: tree.leaves,
      flushNos: head?.flushNos ?? [],
      operations: head?.operations ?? [],
      payouts: placed.payouts,
      batchNos: placed.batchNos,
      strayNos: placed.strayNos,
      chunks: tree.chunks,
    });
    this.logger.info({ epochNo, leaves: tree.leaves, totalUnits }, 'an epoch is planned');
  }
}

function saltFor({ secret }: Making, salted: Salted): Uint8Array {
  return saltOf(secret, salted);
}

async function addLines(tree: TreeWriter, lines: readonly BatchedPayout[]): Promise<void> {
  const keyed = lines.map((line) => ({ line, key: lineKey(line) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { line, key } of keyed) {
    const { chainBatchId, destination: payee, units } = line;
    if (chainBatchId === null) throw new Error(`batch ${line.batchNo} has no id on chain`);
    await tree.add({ kind: 'payout', chainBatchId, line: line.line, payee, units }, key);
  }
}

function lineKey({ chainBatchId, line }: BatchedPayout): string {
  return `${chainBatchId?.toString('hex')}${line.toString(16).padStart(8, '0')}`;
}

function sumUnits(payouts: readonly BatchedPayout[]): Units {
  return payouts.reduce((sum, { units }) => sum + units, 0n);
}

/** Batches that have all their payouts among these. */
function wholeBatches(lines: readonly BatchedPayout[]): bigint[] {
  const counts = new Map<bigint, number>();
  for (const { batchNo } of lines) counts.set(batchNo, (counts.get(batchNo) ?? 0) + 1);
  const whole = lines.filter(({ batchNo, batchPayouts }) => counts.get(batchNo) === batchPayouts);
  return [...new Set(whole.map(({ batchNo }) => batchNo))];
}

// The rows of a snapshot must add up to what the hash chains have counted: all of it is told, and told once.
function checkSums({ head, sums }: Making, { ofAccounts }: Placed): void {
  if (head === undefined) throw new EpochRefusedError('the ledger told no head of its snapshot');
  const [lost] = ofAccounts.keys();
  if (lost !== undefined) throw new EpochRefusedError(`account ${lost} withdraws and owns nothing`);
  const counted = {
    accounts: head.availableUnits + head.heldUnits,
    channels: head.inChannelsUnits,
    withdrawals: head.withdrawingUnits,
  };
  for (const name of ['accounts', 'channels', 'withdrawals'] as const) {
    if (sums[name] === counted[name]) continue;
    const text = `the rows of ${name} add up to ${sums[name]} units, the journal to ${counted[name]}`;
    throw new EpochRefusedError(text);
  }
}

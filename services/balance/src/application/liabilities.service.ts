import type { LiabilitiesHead, SnapshotLiabilitiesResponse } from '#libs/contracts';
import type { TransactionSql } from '#libs/database';
import { accept, type Result, refuse } from '#libs/domain';
import { totalsOfChain } from '../domain/counted-totals.js';
import { addTotals, NO_TOTALS } from '../domain/flush-chain.js';
import type { ChainRepository } from '../repositories/chain.repository.js';
import type { LiabilityRepository } from '../repositories/liability.repository.js';
import type { Clock } from './clock.js';
import { totalsOfOperations } from './seal-operations.service.js';

/** Operations that a head names at most: more means that sealing is far behind. */
const UNSEALED_MAX = 50_000;

type Piece = NonNullable<SnapshotLiabilitiesResponse['piece']>;

/** Takes one piece; resolves when the next one may come. Rejects to give the snapshot up. */
export type PieceWriter = (piece: Piece) => Promise<void>;

/** Tells all that the ledger owes at one moment. */
export class LiabilitiesService {
  #running = false;

  constructor(
    private readonly liabilities: LiabilityRepository,
    private readonly chain: ChainRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Writes a snapshot, page by page; only one page is in memory. OVERLOADED while another one is written, or
   * while too many operations wait to be sealed.
   */
  async snapshot(write: PieceWriter): Promise<Result<void>> {
    if (this.#running) return refuse('OVERLOADED', 'another snapshot is being taken');
    this.#running = true;
    try {
      return await this.liabilities.snapshot((sql) => this.#write(sql, write));
    } finally {
      this.#running = false;
    }
  }

  async #write(sql: TransactionSql, write: PieceWriter): Promise<Result<void>> {
    const head = await this.#head(sql);
    if (head.operations.length > UNSEALED_MAX) {
      return refuse('OVERLOADED', 'too many operations wait to be sealed');
    }
    await write({ $case: 'head', value: head });
    for await (const withdrawals of this.liabilities.withdrawals(sql)) {
      await write({ $case: 'withdrawals', value: { withdrawals } });
    }
    for await (const accounts of this.liabilities.accounts(sql)) {
      await write({ $case: 'accounts', value: { accounts } });
    }
    for await (const channels of this.liabilities.channels(sql)) {
      await write({ $case: 'channels', value: { channels } });
    }
    return accept(undefined);
  }

  // The first statement of a snapshot fixes its moment; the clock is only told beside it.
  async #head(sql: TransactionSql): Promise<LiabilitiesHead> {
    const heads = (await this.chain.heads(sql)).toSorted((a, b) => a.part - b.part);
    const waiting = await this.chain.operationSums(sql);
    const operations = await this.chain.unsealed(sql, UNSEALED_MAX + 1);
    const { held, withdrawing } = await this.liabilities.sums(sql);
    const sums = heads.map(({ totals }) => totals).reduce(addTotals, NO_TOTALS);
    const { available, inChannels } = totalsOfChain(addTotals(sums, totalsOfOperations(waiting)));
    return {
      atMs: this.clock(),
      flushNos: heads.map(({ flushNo }) => flushNo),
      operations,
      availableUnits: available,
      heldUnits: held,
      inChannelsUnits: inChannels,
      withdrawingUnits: withdrawing,
    };
  }
}

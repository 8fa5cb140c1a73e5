import { type Units, unitsFloor } from '#libs/domain';
import { callData, readAddress, readUint, type TronChain } from '#libs/tron';
import { type Backing, periodProblem } from '../domain/epoch.js';
import type { BatchedPayout } from '../repositories/epoch.repository.js';
import type { ChainPlace } from './ports.js';

/** What the vault says of epochs and batches, on the solidified chain. */
export class VaultCheckService {
  constructor(
    private readonly chain: TronChain,
    private readonly place: ChainPlace,
  ) {}

  /** Number of the last epoch committed; 0 before the first. */
  async lastEpoch(): Promise<bigint> {
    return this.#read('lastEpoch()');
  }

  /** Throws when the hot wallet is not who pays out of the vault: it is a wrong key, or one that comes too early. */
  async assertOperator(): Promise<void> {
    const { hotWallet, vault } = this.place;
    const operator = readAddress(await this.chain.view(vault, callData('operator()')));
    if (operator === hotWallet) return;
    throw new Error(
      `nothing is read before the vault's operator, ${operator}, is the hot wallet, ${hotWallet}`,
    );
  }

  /** Throws when epochs so far apart would stop payouts. */
  async assertPeriod(periodMs: bigint): Promise<void> {
    const problem = periodProblem(periodMs, (await this.#read('exitDelay()')) * 1000n);
    if (problem !== undefined) throw new Error(problem);
  }

  /**
   * Reserves, and those of the lines that the vault has paid or skipped already. The reserves are read first: a batch
   * that is executed in between then counts as paid, which can hide a shortfall for one epoch but never invent one.
   */
  async backing(
    totalUnits: Units,
    lines: readonly BatchedPayout[],
    leavingUnits: Units,
  ): Promise<Backing> {
    const { hotWallet, trc10Id } = this.place;
    const [free, wallet] = await Promise.all([
      this.#read('freeBaseUnits()'),
      this.chain.account(hotWallet),
    ]);
    const trc10 = wallet?.trc10.get(trc10Id) ?? 0n;
    const sent = Map.groupBy(
      lines.filter(({ attempts }) => attempts > 0),
      ({ chainBatchId }) => chainBatchId?.toString('hex') ?? '',
    );
    let paidUnits = 0n;
    for (const [batchId, ofBatch] of sent) {
      if ((await this.#read('isUsed(bytes32)', [`0x${batchId}`])) === 0n) continue;
      paidUnits += ofBatch.reduce((sum, { units }) => sum + units, 0n);
    }
    return {
      totalUnits,
      paidUnits,
      leavingUnits,
      trc20ReserveUnits: unitsFloor('TRC20_BTT', free),
      trc10ReserveUnits: unitsFloor('TRC10_BTTOLD', trc10),
    };
  }

  async #read(signature: string, values: readonly unknown[] = []): Promise<bigint> {
    return readUint(await this.chain.view(this.place.vault, callData(signature, values)));
  }
}

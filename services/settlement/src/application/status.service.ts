import type { GetSettlementStatusResponse } from '#libs/contracts';
import { assetToWire } from '#libs/contracts';
import { ASSETS, unitsFloor } from '#libs/domain';
import type { TronChain } from '#libs/tron';
import { BATCH, DEPOSIT, PAYOUT } from '../domain/states.js';
import type { ApprovalRepository } from '../repositories/approval.repository.js';
import type { BatchRepository } from '../repositories/batch.repository.js';
import type { DepositRepository } from '../repositories/deposit.repository.js';
import type { ForeignTokenRepository } from '../repositories/foreign-token.repository.js';
import type { PayoutRepository } from '../repositories/payout.repository.js';
import type { ScanRepository } from '../repositories/scan.repository.js';
import type { PauseService } from './pause.service.js';
import type { ChainPlace } from './ports.js';
import type { WalletCheckService } from './wallet-check.service.js';

/** Where the numbers come from. */
export type StatusSources = {
  readonly scans: ScanRepository;
  readonly deposits: DepositRepository;
  readonly payouts: PayoutRepository;
  readonly batches: BatchRepository;
  readonly approvals: ApprovalRepository;
  readonly foreignTokens: ForeignTokenRepository;
};

/** How settlement stands, for operators. */
export class StatusService {
  constructor(
    private readonly chain: TronChain,
    private readonly wallet: WalletCheckService,
    private readonly sources: StatusSources,
    private readonly pause: PauseService,
    private readonly place: ChainPlace,
  ) {}

  async read(): Promise<GetSettlementStatusResponse> {
    const { sources } = this;
    const [head, solid, wallet, cursor, deposits, payouts, batches, undecided, foreign] =
      await Promise.all([
        this.chain.head(),
        this.chain.solidHead(),
        this.wallet.read(),
        sources.scans.cursor(),
        sources.deposits.counts(),
        sources.payouts.counts(),
        sources.batches.counts(),
        sources.approvals.undecided(),
        sources.foreignTokens.count(),
      ]);
    const count = (state: number) => payouts.get(state) ?? 0;
    const depositCount = (state: number) => BigInt(deposits.get(state) ?? 0);
    return {
      headBlock: head.number,
      solidBlock: solid.number,
      nextDepositBlock: cursor?.nextBlock ?? 0n,
      hotWallet: this.place.hotWallet,
      hotWalletSun: wallet.allowance.trxSun,
      queued: BigInt(count(PAYOUT.queued) + count(PAYOUT.planned)),
      paused: await this.pause.read(wallet.blocked),
      reserves: ASSETS.map((asset) => ({
        asset: assetToWire(asset),
        reserveUnits: unitsFloor(asset, wallet.reserveBaseUnits[asset]),
      })),
      transactionsSolidified: BigInt(batches.byState.get(BATCH.solidified) ?? 0),
      heldDeposits: depositCount(DEPOSIT.held),
      heldPayouts: BigInt(count(PAYOUT.held)),
      suspenseDeposits: depositCount(DEPOSIT.suspense),
      misdirectedDeposits: depositCount(DEPOSIT.misdirected),
      foreignTokens: foreign,
      undecidedBatches: undecided,
      claimablePayouts: BigInt(count(PAYOUT.claimable)),
    };
  }
}

import type { GetSettlementStatusResponse } from '#libs/contracts';
import { assetToWire } from '#libs/contracts';
import { ASSETS, unitsFloor } from '#libs/domain';
import type { TronChain } from '#libs/tron';
import { BATCH, PAYOUT } from '../domain/states.js';
import type { BatchRepository } from '../repositories/batch.repository.js';
import type { PayoutRepository } from '../repositories/payout.repository.js';
import type { ScanRepository } from '../repositories/scan.repository.js';
import type { BatchDriverService } from './batch-driver.service.js';
import type { ChainPlace } from './ports.js';
import type { WalletCheckService } from './wallet-check.service.js';

/** How settlement stands, for operators. */
export class StatusService {
  constructor(
    private readonly chain: TronChain,
    private readonly wallet: WalletCheckService,
    private readonly scans: ScanRepository,
    private readonly payouts: PayoutRepository,
    private readonly batches: BatchRepository,
    private readonly driver: BatchDriverService,
    private readonly place: ChainPlace,
  ) {}

  async read(): Promise<GetSettlementStatusResponse> {
    const [head, solid, wallet, cursor, payouts, batches] = await Promise.all([
      this.chain.head(),
      this.chain.solidHead(),
      this.wallet.read(),
      this.scans.cursor(),
      this.payouts.counts(),
      this.batches.counts(),
    ]);
    const count = (state: number) => payouts.get(state) ?? 0;
    return {
      headBlock: head.number,
      solidBlock: solid.number,
      nextDepositBlock: cursor?.nextBlock ?? 0n,
      hotWallet: this.place.hotWallet,
      hotWalletSun: wallet.trxSun,
      queued: BigInt(count(PAYOUT.queued) + count(PAYOUT.planned)),
      paused: wallet.blocked ?? this.driver.paused,
      reserves: ASSETS.map((asset) => ({
        asset: assetToWire(asset),
        reserveUnits: unitsFloor(asset, wallet.reserveBaseUnits[asset]),
      })),
      transactionsSolidified: BigInt(batches.byState.get(BATCH.solidified) ?? 0),
    };
  }
}

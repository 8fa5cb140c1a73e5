import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import {
  assetToWire,
  type GetDepositRequest,
  type GetDepositResponse,
  type GetDepositTargetsResponse,
  type ListBatchesRequest,
  type ListBatchesResponse,
} from '#libs/contracts';
import { type AssetName, BASE_UNITS_PER_UNIT, type Refusal, refuse } from '#libs/domain';
import { RefusedError } from '#libs/grpc';
import type { ChainPlace } from '../application/ports.js';
import { decodeCursor, encodeCursor } from '../domain/cursor.js';
import type { BatchRepository } from '../repositories/batch.repository.js';
import type { DepositRepository } from '../repositories/deposit.repository.js';
import { cutPage, readPage } from './paging.js';
import { batchToWire, depositToWire } from './to-wire.js';

/** What the public API reads. */
export class SettlementReads {
  constructor(
    readonly place: ChainPlace,
    readonly deposits: DepositRepository,
    readonly batches: BatchRepository,
  ) {}
}

/** SettlementService over gRPC. */
@Controller()
export class SettlementController {
  constructor(@Inject(SettlementReads) private readonly reads: SettlementReads) {}

  @GrpcMethod('SettlementService', 'GetDepositTargets')
  getDepositTargets(): GetDepositTargetsResponse {
    const { vault, trc20, hotWallet, trc10Id } = this.reads.place;
    const target = (asset: AssetName, address: string, token: string) => ({
      asset: assetToWire(asset),
      address,
      token,
      baseUnitsPerUnit: BASE_UNITS_PER_UNIT[asset].toString(),
    });
    return {
      targets: [target('TRC20_BTT', vault, trc20), target('TRC10_BTTOLD', hotWallet, trc10Id)],
    };
  }

  @GrpcMethod('SettlementService', 'GetDeposit')
  async getDeposit(request: GetDepositRequest): Promise<GetDepositResponse> {
    if (request.txid.length !== 32) refused(refuse('MALFORMED', 'txid must have 32 bytes'));
    const deposits = await this.reads.deposits.find(request.txid);
    if (deposits.length === 0) {
      refused(refuse('NOT_FOUND', 'no deposit of this transaction is solidified yet'));
    }
    return { deposits: deposits.map(depositToWire) };
  }

  @GrpcMethod('SettlementService', 'ListBatches')
  async listBatches(request: ListBatchesRequest): Promise<ListBatchesResponse> {
    const { before, limit } = readPage(request.page, (cursor) => decodeCursor('batch', cursor));
    const { rows, nextCursor } = cutPage(
      await this.reads.batches.list(before, limit + 1),
      limit,
      ({ batchNo }) => encodeCursor('batch', batchNo),
    );
    return { batches: rows.map(batchToWire), nextCursor };
  }
}

function refused(refusal: Refusal): never {
  throw new RefusedError(refusal);
}

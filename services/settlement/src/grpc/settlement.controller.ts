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
import { type AssetName, BASE_UNITS_PER_UNIT, LIMITS, type Refusal, refuse } from '#libs/domain';
import { RefusedError } from '#libs/grpc';
import type { ChainPlace } from '../application/ports.js';
import { decodeCursor, encodeCursor } from '../domain/cursor.js';
import type { BatchRepository } from '../repositories/batch.repository.js';
import type { DepositRepository } from '../repositories/deposit.repository.js';
import { batchToWire, depositToWire } from './to-wire.js';

const PAGE_DEFAULT = 100;

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
    const { cursor = '', limit: asked = 0 } = request.page ?? {};
    const limit = asked === 0 ? PAGE_DEFAULT : asked;
    if (limit < 1 || limit > LIMITS.pageMax) {
      refused(refuse('LIMIT_EXCEEDED', `limit must be 1 to ${LIMITS.pageMax}`));
    }
    const before = decodeCursor(cursor);
    if (before === undefined) refused(refuse('BAD_CURSOR', 'the cursor was not made by this API'));
    const rows = await this.reads.batches.list(before === 'newest' ? undefined : before, limit + 1);
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return {
      batches: shown.map(batchToWire),
      nextCursor: last === undefined ? '' : encodeCursor(last.batchNo),
    };
  }
}

function refused(refusal: Refusal): never {
  throw new RefusedError(refusal);
}

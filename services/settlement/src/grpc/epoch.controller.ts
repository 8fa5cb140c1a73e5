import type { Metadata } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type {
  Epoch,
  GetInclusionProofRequest,
  GetInclusionProofResponse,
  ListEpochsRequest,
  ListEpochsResponse,
} from '#libs/contracts';
import { unwrap } from '#libs/grpc';
import type { EpochProofsService } from '../application/epoch-proofs.service.js';
import { decodeCursor, encodeCursor } from '../domain/cursor.js';
import type { EpochRepository, StoredEpoch } from '../repositories/epoch.repository.js';
import { cutPage, readPage } from './paging.js';

/** What the public API tells of epochs. */
export class EpochReads {
  constructor(
    readonly epochs: EpochRepository,
    readonly proofs: EpochProofsService,
  ) {}
}

/** The part of SettlementService that is about epochs, over gRPC. */
@Controller()
export class EpochController {
  constructor(@Inject(EpochReads) private readonly reads: EpochReads) {}

  @GrpcMethod('SettlementService', 'ListEpochs')
  async listEpochs(request: ListEpochsRequest): Promise<ListEpochsResponse> {
    const { before, limit } = readPage(request.page, (cursor) => decodeCursor('epoch', cursor));
    const { rows, nextCursor } = cutPage(
      await this.reads.epochs.list(before, limit + 1),
      limit,
      ({ epochNo }) => encodeCursor('epoch', epochNo),
    );
    return { epochs: rows.map(epochToWire), nextCursor };
  }

  @GrpcMethod('SettlementService', 'GetInclusionProof')
  async getInclusionProof(
    request: GetInclusionProofRequest,
    metadata: Metadata,
  ): Promise<GetInclusionProofResponse> {
    const { epochNo, channelId } = request;
    const { epoch, leaf, proof } = unwrap(
      await this.reads.proofs.prove(metadata, epochNo, channelId),
    );
    return { epoch: epochToWire(epoch), leaf: Buffer.from(leaf), proof: Buffer.from(proof) };
  }
}

/** A stored epoch as the API shows it; the numbers of its states are those of the table. */
function epochToWire(epoch: StoredEpoch): Epoch {
  const { epochNo, state, atMs, root, totalUnits, leaves, failure } = epoch;
  const txid = epoch.txid?.toString('hex') ?? '';
  return { epochNo, state, atMs, root, totalUnits, leaves, txid, failure };
}

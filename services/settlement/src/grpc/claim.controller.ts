import type { Metadata } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { GetClaimRequest, GetClaimResponse } from '#libs/contracts';
import { unwrap } from '#libs/grpc';
import { ClaimProofsService } from '../application/claim-proofs.service.js';

/** The part of SettlementService that is about claims, over gRPC. */
@Controller()
export class ClaimController {
  constructor(@Inject(ClaimProofsService) private readonly proofs: ClaimProofsService) {}

  @GrpcMethod('SettlementService', 'GetClaim')
  async getClaim(request: GetClaimRequest, metadata: Metadata): Promise<GetClaimResponse> {
    const claim = unwrap(await this.proofs.prove(metadata, request.withdrawalId));
    const { leaf, proof, root, totalUnits, claimableUntilMs } = claim;
    return {
      leaf: Buffer.from(leaf),
      proof: Buffer.from(proof),
      root: Buffer.from(root),
      totalUnits,
      claimableUntilMs,
    };
  }
}

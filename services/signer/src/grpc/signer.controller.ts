import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import {
  type GetSignerRequest,
  type GetSignerResponse,
  SignerRefusalReason,
  type SignTransactionRequest,
  type SignTransactionResponse,
} from '#libs/contracts';
import { refuse } from '#libs/domain';
import { RefusedError } from '#libs/grpc';
import type { SignService } from '../application/sign.service.js';
import type { RefusalReason, SignerPlace } from '../domain/policy.js';

/** What the API does. */
export class SignerUseCases {
  constructor(
    readonly service: SignService,
    readonly place: SignerPlace,
    /** Common name that clients' certificates must have. */
    readonly clientName: string,
  ) {}
}

const REASONS = {
  UNREADABLE: SignerRefusalReason.UNREADABLE,
  WRONG_CHAIN: SignerRefusalReason.WRONG_CHAIN,
  WRONG_OWNER: SignerRefusalReason.WRONG_OWNER,
  UNKNOWN_CALL: SignerRefusalReason.UNKNOWN_CALL,
  MEMO_OR_PERMISSION: SignerRefusalReason.MEMO_OR_PERMISSION,
  EXPIRATION: SignerRefusalReason.EXPIRATION,
  FEE_LIMIT: SignerRefusalReason.FEE_LIMIT,
  PAYEES: SignerRefusalReason.PAYEES,
  AMOUNT: SignerRefusalReason.AMOUNT,
  WINDOW: SignerRefusalReason.WINDOW,
  CHANGED: SignerRefusalReason.CHANGED,
  SIGNED_TOO_OFTEN: SignerRefusalReason.SIGNED_TOO_OFTEN,
} as const satisfies Record<RefusalReason, SignerRefusalReason>;

type Call = Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext' | 'cancelled'>;

/** SignerService over gRPC. */
@Controller()
export class SignerController {
  constructor(@Inject(SignerUseCases) private readonly use: SignerUseCases) {}

  @GrpcMethod('SignerService', 'GetSigner')
  getSigner(_request: GetSignerRequest, _metadata: Metadata, call: Call): GetSignerResponse {
    this.#clientOf(call);
    const { owner, chainId, vault } = this.use.place;
    return { address: owner, chainId, vault };
  }

  @GrpcMethod('SignerService', 'SignTransaction')
  async signTransaction(
    { raw, chainId }: SignTransactionRequest,
    _metadata: Metadata,
    call: Call,
  ): Promise<SignTransactionResponse> {
    const client = this.#clientOf(call);
    const isGone = () => call.cancelled;
    const result = await this.use.service.sign({ raw, chainId, client, isGone });
    if (result.ok) return { outcome: { $case: 'signature', value: Buffer.from(result.signature) } };
    const { reason, detail } = result.refusal;
    return { outcome: { $case: 'refusal', value: { reason: REASONS[reason], detail } } };
  }

  /** Who calls. The connection has proven that the authority knows it; the name says what it is for. */
  #clientOf(call: Call): string {
    const certificate = call.getAuthContext()?.sslPeerCertificate;
    const name = certificate?.subject?.CN;
    if (certificate === undefined || name !== this.use.clientName) {
      const detail = `this signer is for ${this.use.clientName}, not for ${String(name)}`;
      throw new RefusedError(refuse('NOT_PERMITTED', detail));
    }
    return `${name} ${certificate.fingerprint256}`;
  }
}

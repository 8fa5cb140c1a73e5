import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  type GetSignerResponse,
  SignerRefusalReason,
  SignerServiceClient,
  type SignTransactionResponse,
} from '#libs/contracts';
import type { Certificate } from './certificates.js';
import { CHAIN_ID } from './world.js';

type Done<T> = (error: ServiceError | null, response: T) => void;

/** The signer's API as a test sees it. */
export class RemoteSignerClient {
  readonly #client: SignerServiceClient;

  constructor(url: string, ca: string, own: Certificate | undefined) {
    const secure =
      own === undefined
        ? credentials.createSsl(Buffer.from(ca))
        : credentials.createSsl(
            Buffer.from(ca),
            Buffer.from(own.key),
            Buffer.from(own.certificate),
          );
    this.#client = new SignerServiceClient(url, secure);
  }

  /** A signature, or the name of the reason why there is none. */
  async sign(
    raw: Uint8Array,
    chainId = CHAIN_ID,
  ): Promise<{ signature?: Uint8Array; refusal?: string }> {
    const { outcome } = await this.#call<SignTransactionResponse>((options, done) =>
      this.#client.signTransaction(
        { raw: Buffer.from(raw), chainId },
        new Metadata(),
        options,
        done,
      ),
    );
    if (outcome?.$case === 'signature') return { signature: outcome.value };
    return { refusal: SignerRefusalReason[outcome?.value.reason ?? 0] ?? '' };
  }

  signer(): Promise<GetSignerResponse> {
    return this.#call((options, done) => this.#client.getSigner({}, new Metadata(), options, done));
  }

  /** The gRPC status with which it fails, or undefined when it does not. */
  async failure(): Promise<string | undefined> {
    try {
      await this.signer();
      return undefined;
    } catch (error) {
      return status[(error as ServiceError).code];
    }
  }

  close(): void {
    this.#client.close();
  }

  #call<T>(call: (options: { deadline: number }, done: Done<T>) => unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      call({ deadline: Date.now() + 5_000 }, (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });
  }
}

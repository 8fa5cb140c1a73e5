import { credentials, Metadata } from '@grpc/grpc-js';
import {
  SignerRefusalReason,
  SignerServiceClient,
  type SignTransactionResponse,
} from '#libs/contracts';
import type { Address } from '#libs/domain';
import { isSignedBy, type Signer, SignerError } from '#libs/tron';

const TIMEOUT_MS = 10_000;

/** Refusals that say nothing about the next transaction. */
const OF_ONE_ONLY: ReadonlySet<SignerRefusalReason> = new Set([
  SignerRefusalReason.FEE_LIMIT,
  SignerRefusalReason.PAYEES,
  SignerRefusalReason.AMOUNT,
  SignerRefusalReason.CHANGED,
  SignerRefusalReason.SIGNED_TOO_OFTEN,
]);

/** How to reach the signer; certificates and key in PEM. */
export type RemoteSignerOptions = {
  readonly url: string;
  readonly address: Address;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
};

/** {@link Signer} in another process, over mutual TLS. Its signatures are checked here before they are used. */
export class RemoteSigner implements Signer {
  readonly address: Address;
  readonly #client: SignerServiceClient;

  constructor(
    options: RemoteSignerOptions,
    private readonly chainId: bigint,
  ) {
    this.address = options.address;
    const pem = (text: string) => Buffer.from(text);
    const secure = credentials.createSsl(
      pem(options.ca),
      pem(options.key),
      pem(options.certificate),
    );
    this.#client = new SignerServiceClient(options.url, secure, {
      'grpc.initial_reconnect_backoff_ms': 200,
      'grpc.max_reconnect_backoff_ms': 5_000,
    });
  }

  async sign(raw: Uint8Array): Promise<Uint8Array> {
    const { outcome } = await this.#ask(raw);
    if (outcome?.$case === 'refusal') {
      const { reason, detail } = outcome.value;
      throw new SignerError(`the signer refuses (${SignerRefusalReason[reason]}): ${detail}`, {
        thisOneOnly: OF_ONE_ONLY.has(reason),
      });
    }
    const signature = outcome?.value ?? new Uint8Array();
    if (!isSignedBy(this.address, raw, signature)) {
      throw new SignerError(`the signer's answer is no signature of ${this.address}`);
    }
    return signature;
  }

  close(): void {
    this.#client.close();
  }

  #ask(raw: Uint8Array): Promise<SignTransactionResponse> {
    const request = { raw: Buffer.from(raw), chainId: this.chainId };
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + TIMEOUT_MS };
      this.#client.signTransaction(request, new Metadata(), options, (error, response) => {
        if (error === null) resolve(response);
        else reject(new SignerError(`the signer cannot sign: ${error.details}`, { cause: error }));
      });
    });
  }
}

import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { BooksServiceClient, type GetChannelViewResponse } from '#libs/contracts';
import { INTERNAL_TOKEN_TRAILER, REASON_TRAILER } from '#libs/grpc';
import { INGEST_LIMITS } from '../application/limits.js';
import type { Books } from '../application/ports.js';
import type { ChannelFacts } from '../domain/channel.js';
import { factsOf } from '../kafka/channel-facts.js';

/** The books of the balance service, over its internal port. */
export class BooksClient implements Books {
  readonly #client: BooksServiceClient;
  readonly #metadata = new Metadata();
  readonly #partitions: number;

  constructor(options: { address: string; token: string; partitions: number }) {
    this.#client = new BooksServiceClient(options.address, credentials.createInsecure(), {
      // When the books come back they are found within a second, not after minutes of back-off.
      'grpc.max_reconnect_backoff_ms': 1_000,
    });
    this.#metadata.set(INTERNAL_TOKEN_TRAILER, options.token);
    this.#partitions = options.partitions;
  }

  async channel(channelId: Uint8Array): Promise<ChannelFacts | undefined> {
    const response = await this.#ask(Buffer.from(channelId));
    return response?.view && factsOf(response.view, this.#partitions);
  }

  close(): void {
    this.#client.close();
  }

  #ask(channelId: Buffer): Promise<GetChannelViewResponse | undefined> {
    const deadline = Date.now() + INGEST_LIMITS.lookupWithinMs;
    return new Promise((resolve, reject) => {
      this.#client.getChannelView(
        { channelId },
        this.#metadata,
        { deadline },
        (error, response) => {
          if (error === null) resolve(response);
          else if (isUnknown(error)) resolve(undefined);
          else reject(error);
        },
      );
    });
  }
}

// NOT_FOUND alone may come from a proxy; only the books' own reason makes it sure.
function isUnknown(error: ServiceError): boolean {
  return (
    error.code === status.NOT_FOUND &&
    error.metadata?.get(REASON_TRAILER)[0]?.toString() === 'CHANNEL_UNKNOWN'
  );
}

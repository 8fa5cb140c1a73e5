import { credentials, Metadata } from '@grpc/grpc-js';
import {
  BooksServiceClient,
  type ChannelView,
  type ListChannelViewsResponse,
} from '#libs/contracts';
import { concatBytes } from '#libs/domain';
import { INTERNAL_TOKEN_TRAILER } from '#libs/grpc';
import { INGEST_LIMITS } from '../application/limits.js';
import type { Books, BooksAnswer } from '../application/ports.js';
import type { ChannelFacts } from '../domain/channel.js';
import { factsOf } from '../kafka/channel-facts.js';

// An answer of 4096 channels has about 1.2 MiB.
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** The books of the balance service, over its internal port. */
export class BooksClient implements Books {
  readonly #client: BooksServiceClient;
  readonly #metadata = new Metadata();
  readonly #partitions: number;

  constructor(options: { address: string; token: string; partitions: number }) {
    this.#client = new BooksServiceClient(options.address, credentials.createInsecure(), {
      // When the books come back they are found within a second, not after minutes of back-off.
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.max_receive_message_length': ANSWER_BYTES_MAX,
    });
    this.#metadata.set(INTERNAL_TOKEN_TRAILER, options.token);
    this.#partitions = options.partitions;
  }

  async channels(ids: readonly Uint8Array[]): Promise<BooksAnswer> {
    const { views } = await this.#ask(Buffer.from(concatBytes(...ids)));
    const known: ChannelFacts[] = [];
    const unreadable: Uint8Array[] = [];
    for (const view of views) {
      const facts = this.#read(view);
      if (facts === undefined) unreadable.push(view.channelId);
      else known.push(facts);
    }
    return { known, unreadable };
  }

  close(): void {
    this.#client.close();
  }

  // One channel that makes no sense must not hide the others of the answer.
  #read(view: ChannelView): ChannelFacts | undefined {
    if (view.channelId.length !== 32) throw new TypeError('the books named a channel without id');
    try {
      return factsOf(view, this.#partitions);
    } catch {
      return undefined;
    }
  }

  #ask(channelIds: Buffer): Promise<ListChannelViewsResponse> {
    const deadline = Date.now() + INGEST_LIMITS.lookupWithinMs;
    return new Promise((resolve, reject) => {
      this.#client.listChannelViews(
        { channelIds },
        this.#metadata,
        { deadline },
        (error, response) => {
          if (error === null) resolve(response);
          else reject(error);
        },
      );
    });
  }
}

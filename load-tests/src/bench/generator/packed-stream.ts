import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';
import {
  type FlushAck,
  type HandlesOpened,
  StreamPackedRequest,
  StreamPackedResponse,
} from '#libs/contracts';
import { LIMITS } from '#libs/domain';

const METHOD = '/swarmledger.v1.VoucherService/StreamPacked';
const ID_BYTES = 32;

/** What a stream tells its owner. */
export type StreamEvents = {
  readonly onAck: (ack: FlushAck) => void;
  /** The stream ended without having been closed. */
  readonly onLost: (reason: string) => void;
};

/** One packed stream that sends frames as they are, without decoding or encoding them. */
export class PackedStream {
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, StreamPackedResponse>;
  readonly #opening = new Map<bigint, (opened: HandlesOpened) => void>();
  #writable = true;
  #closed = false;
  #sequence = 0n;
  #failure: string | undefined;
  #onFailure: (reason: string) => void = () => undefined;

  constructor(address: string, session: string, events: StreamEvents) {
    this.#client = new Client(address, credentials.createInsecure(), {
      'grpc.max_receive_message_length': 4 * 1024 * 1024,
      // Streams to the same address must not share a connection's flow control.
      'grpc.use_local_subchannel_pool': 1,
    });
    const metadata = new Metadata();
    metadata.set('swarmledger-session', session);
    const asIs = (frame: Buffer) => frame;
    const decode = (bytes: Buffer) => StreamPackedResponse.decode(bytes);
    this.#call = this.#client.makeBidiStreamRequest(METHOD, asIs, decode, metadata);
    this.#call.on('data', ({ content }: StreamPackedResponse) => {
      if (content?.$case === 'ack') events.onAck(content.value);
      else if (content?.$case === 'opened')
        this.#opening.get(content.value.sequence)?.(content.value);
    });
    this.#call.on('drain', () => {
      this.#writable = true;
    });
    const lost = (reason: string) => {
      if (this.#closed || this.#failure !== undefined) return;
      this.#failure = reason;
      this.#writable = false;
      this.#onFailure(reason);
      events.onLost(reason);
    };
    this.#call.on('error', (error: Error) => lost(error.message));
    this.#call.on('end', () => lost('the server ended the stream'));
  }

  /** Gives the channels (32-byte ids, one after another) handles from 0 on. Throws when one is refused. */
  async open(ids: Buffer): Promise<void> {
    const size = LIMITS.handlesPerOpenMax * ID_BYTES;
    for (let at = 0; at < ids.length; at += size) {
      const opened = await this.#openSome(ids.subarray(at, at + size));
      const [first] = opened.refused;
      if (first === undefined) continue;
      const text = `${first.refusal?.reason ?? ''} ${first.refusal?.detail ?? ''}`;
      throw new Error(`${opened.refused.length} channels cannot be paid, the first: ${text}`);
    }
  }

  #openSome(channelIds: Buffer): Promise<HandlesOpened> {
    this.#sequence += 1n;
    const sequence = this.#sequence;
    const request = StreamPackedRequest.encode({
      sequence,
      content: { $case: 'open', value: { channelIds } },
    }).finish();
    return new Promise((resolve, reject) => {
      this.#onFailure = (reason) => reject(new Error(reason));
      if (this.#failure !== undefined) reject(new Error(this.#failure));
      this.#opening.set(sequence, (opened) => {
        this.#opening.delete(sequence);
        resolve(opened);
      });
      this.#call.write(Buffer.from(request));
    });
  }

  /** False while the server does not take more; frames then wait with their sender. */
  get writable(): boolean {
    return this.#writable;
  }

  /** Sends a frame. */
  send(frame: Buffer): void {
    this.#writable = this.#call.write(frame);
  }

  /** Ends the stream and its connection. */
  close(): void {
    this.#closed = true;
    this.#call.end();
    this.#client.close();
  }
}

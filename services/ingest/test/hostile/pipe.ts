import { EventEmitter } from 'node:events';
import { StreamPackedRequest, StreamPackedResponse } from '#libs/contracts';
import { REASON_TRAILER } from '#libs/grpc';
import type { PackedCall } from '../../src/grpc/packed-stream.js';

/** How a message on a packed stream was answered: by the end of the stream, or not. */
export type PipeAnswer = {
  readonly error?: string;
  readonly responses: readonly StreamPackedResponse[];
};

/** A packed call without a network that speaks bytes, as grpc-js hands them over. */
export class Pipe extends EventEmitter {
  cancelled = false;
  readonly metadata = undefined;
  #responses: StreamPackedResponse[] = [];
  #answer: ((answer: PipeAnswer) => void) | undefined;

  constructor(private readonly peer: string) {
    super();
    this.on('error', (error: { metadata?: { get(key: string): unknown[] } }) => {
      this.#done(String(error.metadata?.get(REASON_TRAILER)[0] ?? error));
      this.emit('close');
    });
  }

  asCall(): PackedCall {
    return this as unknown as PackedCall;
  }

  /** Sends one message and resolves when it, or a batch, is answered. */
  ask(bytes: Buffer): Promise<PipeAnswer> {
    const answered = new Promise<PipeAnswer>((resolve) => {
      this.#responses = [];
      this.#answer = resolve;
    });
    let message: StreamPackedRequest;
    try {
      message = StreamPackedRequest.decode(bytes);
    } catch (error) {
      // A server refuses it before any of our code sees it; it must be an ordinary error.
      if (!(error instanceof Error)) throw error;
      this.#done('MALFORMED');
      this.emit('close');
      return answered;
    }
    this.emit('data', message);
    return answered;
  }

  write(response: StreamPackedResponse): boolean {
    // Through the codec, so that whatever is said can be said.
    const read = StreamPackedResponse.decode(StreamPackedResponse.encode(response).finish());
    this.#responses.push(read);
    const { content } = read;
    const isAnswer = content?.$case === 'opened' || (content?.value.batches.length ?? 0) > 0;
    if (isAnswer) this.#done();
    return true;
  }

  getPeer(): string {
    return this.peer;
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    this.emit('close');
  }

  #done(error?: string): void {
    const answer = { responses: this.#responses, ...(error === undefined ? {} : { error }) };
    this.#answer?.(answer);
  }
}

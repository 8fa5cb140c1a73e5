import { BinaryReader } from '@bufbuild/protobuf/wire';
import { LIMITS, type Refusal, refuse } from '#libs/domain';

/**
 * Messages in a request, it itself included. A batch of bundles with one entry each has two for an item; all else that
 * is honest has fewer.
 */
export const MESSAGES_IN_REQUEST_MAX = 2 * LIMITS.batchItemsMax + 8;

/** Thrown while a request is read that holds more than any may. */
export class TooManyMessages extends Error {
  readonly refusal: Refusal = refuse(
    'LIMIT_EXCEEDED',
    `the request holds more than ${MESSAGES_IN_REQUEST_MAX} messages; split it`,
  );
}

/**
 * Reads a request for the generated decoders and throws TooManyMessages before it becomes too many objects: an empty
 * message is two bytes on the wire and hundreds of bytes in memory.
 */
export class BoundedReader extends BinaryReader {
  #messages = 0;
  #depth = 0;

  get __tsProtoDecodeDepth(): number {
    return this.#depth;
  }

  // The generated code notes here how deep it is, at the beginning and at the end of every message.
  set __tsProtoDecodeDepth(depth: number) {
    if (depth > this.#depth && ++this.#messages > MESSAGES_IN_REQUEST_MAX)
      throw new TooManyMessages();
    this.#depth = depth;
  }
}

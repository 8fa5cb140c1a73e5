import type { handleUnaryCall, Metadata, Server, sendUnaryData } from '@grpc/grpc-js';
import { PACKAGE } from '#libs/contracts';
import { type Refusal, refuse } from '#libs/domain';
import { BoundedReader, TooManyMessages } from './bounded-reader.js';
import { toGrpcError } from './status.js';

/** A message as it came, until its call takes it: what waits costs no more than it did on the wire. */
class Undecoded {
  constructor(readonly bytes: Buffer) {}
}

type Decode = (bytes: Buffer) => unknown;

/** What the calls of all four kinds have for us; those that stream requests have no `request`. */
type AnyCall = {
  request?: unknown;
  readonly metadata: Metadata;
  emit(event: string, ...args: unknown[]): boolean;
};
type AnyHandler = (call: AnyCall, callback?: sendUnaryData<unknown>) => void;

/** Told whenever a call takes a message; the metadata names the call. */
export type OnTaken = (metadata: Metadata) => void;

/**
 * Makes a server decode messages when their calls take them, by `data` events, and answer those that cannot be decoded
 * with MALFORMED and a sentence, or with LIMIT_EXCEEDED. By itself grpc-js decodes ahead, without bounds, and answers
 * INTERNAL, which tells a client to try the same again. For methods added afterwards.
 */
export function decodeWhenTaken(server: Server, onTaken: OnTaken): void {
  const register = server.register.bind(server);
  server.register = (name, handler, serialize, deserialize, type) => {
    const decode = boundedDecode(name, deserialize as Decode);
    const decoding = decodingHandler(handler as unknown as AnyHandler, decode, onTaken);
    return register(
      name,
      decoding as unknown as handleUnaryCall<never, never>,
      serialize as (value: never) => Buffer,
      ((bytes: Buffer) => new Undecoded(bytes)) as (bytes: Buffer) => never,
      type,
    );
  };
}

// Health and reflection have decoders of another make, and requests in which nothing repeats.
function boundedDecode(name: string, decode: Decode): Decode {
  if (!name.startsWith(`/${PACKAGE}.`)) return decode;
  const decodeFrom = decode as unknown as (reader: BoundedReader) => unknown;
  return (bytes) => decodeFrom(new BoundedReader(bytes));
}

function decodingHandler(handler: AnyHandler, decode: Decode, onTaken: OnTaken): AnyHandler {
  return (call, callback) => {
    if (call.request instanceof Undecoded) {
      onTaken(call.metadata);
      try {
        call.request = decode(call.request.bytes);
      } catch (error) {
        const refusal = toGrpcError(refusalOf(error));
        if (callback === undefined) call.emit('error', refusal);
        else callback(refusal);
        return;
      }
    } else decodeData(call, decode, onTaken);
    handler(call, callback);
  };
}

function decodeData(call: AnyCall, decode: Decode, onTaken: OnTaken): void {
  const emit = call.emit.bind(call);
  let isRefused = false;
  call.emit = (event, ...args) => {
    const [message] = args;
    if (event !== 'data' || !(message instanceof Undecoded)) return emit(event, ...args);
    onTaken(call.metadata);
    if (isRefused) return true;
    let decoded: unknown;
    try {
      decoded = decode(message.bytes);
    } catch (error) {
      isRefused = true;
      return emit('error', toGrpcError(refusalOf(error)));
    }
    return emit('data', decoded);
  };
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof TooManyMessages) return error.refusal;
  const why = error instanceof Error ? error.message : String(error);
  return refuse('MALFORMED', `the message cannot be read: ${why}`);
}

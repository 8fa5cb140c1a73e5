import type { handleUnaryCall, Server, sendUnaryData } from '@grpc/grpc-js';
import { refuse } from '#libs/domain';
import { toGrpcError } from './status.js';

/** Stands for a message that is no valid protobuf of its method's request. */
class MalformedMessage {
  constructor(readonly why: string) {}

  toError() {
    return toGrpcError(refuse('MALFORMED', `the message cannot be read: ${this.why}`));
  }
}

/** What the calls of all four kinds have for us; streams are readable. */
type AnyCall = {
  readonly request?: unknown;
  emit(event: 'error', error: unknown): boolean;
  push?(message: unknown): boolean;
};
type AnyHandler = (call: AnyCall, callback?: sendUnaryData<unknown>) => void;

/**
 * Makes a server answer a message that cannot be decoded with MALFORMED and a sentence. By itself
 * grpc-js answers INTERNAL, which tells a client to try the same again. For methods added afterwards.
 */
export function refuseMalformed(server: Server): void {
  const register = server.register.bind(server);
  server.register = (name, handler, serialize, deserialize, type) =>
    register(
      name,
      guarded(handler as unknown as AnyHandler) as unknown as handleUnaryCall<never, never>,
      serialize as (value: never) => Buffer,
      ((bytes: Buffer) => {
        try {
          return deserialize(bytes);
        } catch (error) {
          return new MalformedMessage(error instanceof Error ? error.message : String(error));
        }
      }) as (bytes: Buffer) => never,
      type,
    );
}

function guarded(handler: AnyHandler): AnyHandler {
  return (call, callback) => {
    const { request } = call;
    if (request instanceof MalformedMessage) {
      if (callback === undefined) call.emit('error', request.toError());
      else callback(request.toError());
      return;
    }
    if (request === undefined) guardStream(call);
    handler(call, callback);
  };
}

// Messages of a stream come in by `push`; those before the malformed one were handed on already.
function guardStream(call: AnyCall): void {
  const push = call.push?.bind(call);
  if (push === undefined) return;
  call.push = (message) => {
    if (!(message instanceof MalformedMessage)) return push(message);
    call.emit('error', message.toError());
    return true;
  };
}

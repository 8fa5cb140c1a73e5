import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';

const ENCODING = 'grpc-encoding';
const NOT_COMPRESSED = 'identity';
const STARTED = 'http2.server.stream.start';

/**
 * Makes calls to this port end with UNIMPLEMENTED when they send a compressed message, as gRPC has it for an encoding that is
 * not supported: bytes that are nearly free for whoever sends them must not cost us a mebibyte each. Answers what ends it.
 */
export function refuseCompressed(port: number): () => void {
  const start = (message: unknown) => {
    const { stream, headers } = message as {
      stream: ServerHttp2Stream;
      headers: IncomingHttpHeaders;
    };
    if (stream.session?.socket?.localPort !== port) return;
    // grpc-js has no setting for it. It learns the name from here, and tells it when it does not know it.
    const name = headers[ENCODING];
    if (name !== undefined && name !== NOT_COMPRESSED) headers[ENCODING] = 'any: send it plain';
  };
  subscribe(STARTED, start);
  return () => {
    unsubscribe(STARTED, start);
  };
}

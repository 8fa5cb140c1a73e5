import { onStreams } from './streams-of-port.js';

const ENCODING = 'grpc-encoding';
const NOT_COMPRESSED = 'identity';

/**
 * Makes calls to this port end with UNIMPLEMENTED when they send a compressed message, as gRPC has it for an encoding that is
 * not supported: bytes that are nearly free for whoever sends them must not cost us a mebibyte each. Answers what ends it.
 */
export function refuseCompressed(port: number): () => void {
  return onStreams(port, ({ headers }) => {
    // grpc-js has no setting for it. It learns the name from here, and tells it when it does not know it.
    const name = headers[ENCODING];
    if (name !== undefined && name !== NOT_COMPRESSED) headers[ENCODING] = 'any: send it plain';
  });
}

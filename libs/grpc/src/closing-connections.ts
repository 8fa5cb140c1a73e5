import type { ServerHttp2Session } from 'node:http2';
import { onStreams } from './streams-of-port.js';

type Ping = (done: (error: Error | null, durationMs: number, payload: Buffer) => void) => boolean;

const PAYLOAD = Buffer.alloc(8);

/**
 * Lets the calls of connections to this port end in peace when the connection has been told to go, by its age or
 * because the process stops. grpc-js goes on asking whether the other side is alive, Node sends no PING on a connection
 * that is closing, and grpc-js takes that for a dead peer: it would cut all calls at its next question instead of when
 * the time that they were given is over. Answers what ends it.
 */
export function keepClosingConnections(port: number): () => void {
  const known = new WeakSet<ServerHttp2Session>();
  return onStreams(port, ({ stream }) => {
    const { session } = stream;
    if (session === undefined || known.has(session as ServerHttp2Session)) return;
    known.add(session as ServerHttp2Session);
    const ping = session.ping.bind(session) as Ping;
    const answered: Ping = (done) => {
      if (!session.closed || session.destroyed) return ping(done);
      process.nextTick(done, null, 0, PAYLOAD);
      return true;
    };
    session.ping = answered as typeof session.ping;
  });
}

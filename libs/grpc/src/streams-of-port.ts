import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';

const STARTED = 'http2.server.stream.start';

/** A stream that has just begun. What is changed in its headers is what the server reads. */
export type StartedStream = {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
};

/**
 * Tells of every stream that any server of the process takes on this port, before the server hears of it: grpc-js
 * keeps its streams to itself. Answers what ends it.
 */
export function onStreams(port: number, started: (begun: StartedStream) => void): () => void {
  const start = (message: unknown) => {
    const begun = message as StartedStream;
    if (begun.stream.session?.socket?.localPort === port) started(begun);
  };
  subscribe(STARTED, start);
  return () => {
    unsubscribe(STARTED, start);
  };
}

import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';

const ANSWER_WITHIN_MS = 15_000;

/** How a raw call ended. */
export type RawAnswer = {
  /** `grpc-status` of the headers or trailers; undefined when the stream was cut. */
  readonly status: number | undefined;
  readonly reason: string | undefined;
  /** Bodies of the messages that came. */
  readonly messages: readonly Buffer[];
  /** True when nothing came within a long time. */
  readonly isHung: boolean;
};

/** A gRPC frame; the header may lie. */
export function frame(body: Uint8Array, flag = 0, length = body.length): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([head, body]);
}

/** An HTTP/2 connection that speaks gRPC by hand. Errors of the connection are no errors of the test. */
export class RawConnection {
  readonly #session: ClientHttp2Session;

  constructor(port: number) {
    this.#session = connect(`http://127.0.0.1:${port}`);
    this.#session.on('error', () => undefined);
    this.#session.setMaxListeners(0);
  }

  get isOpen(): boolean {
    return !this.#session.destroyed && !this.#session.closed;
  }

  close(): void {
    this.#session.destroy();
  }

  /** Opens a call of VoucherService. */
  open(method: string, headers: Record<string, string> = {}): ClientHttp2Stream {
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': `/swarmledger.v1.VoucherService/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.on('error', () => undefined);
    return stream;
  }

  /** One call: writes these chunks, ends its side and waits for the end of the other. */
  call(
    method: string,
    chunks: readonly Uint8Array[],
    headers: Record<string, string> = {},
  ): Promise<RawAnswer> {
    return new Promise((resolve) => {
      const stream = this.open(method, headers);
      const parts: Buffer[] = [];
      let status: number | undefined;
      let reason: string | undefined;
      const note = (fields: Record<string, unknown>) => {
        if (fields['grpc-status'] !== undefined) status = Number(fields['grpc-status']);
        if (fields['swarmledger-reason'] !== undefined)
          reason = String(fields['swarmledger-reason']);
      };
      stream.on('response', note);
      stream.on('trailers', note);
      stream.on('data', (part: Buffer) => parts.push(part));
      const done = (isHung: boolean) => {
        clearTimeout(timer);
        resolve({ status, reason, messages: messagesOf(Buffer.concat(parts)), isHung });
      };
      const timer = setTimeout(() => {
        done(true);
        stream.close();
      }, ANSWER_WITHIN_MS);
      stream.on('close', () => done(false));
      for (const chunk of chunks) stream.write(chunk);
      stream.end();
    });
  }
}

function messagesOf(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    messages.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return messages;
}

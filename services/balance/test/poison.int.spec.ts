import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeLogRecord, type LogBlock } from '#libs/contracts';
import type { InRecord } from '#libs/kafka';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { claim, finalize, ledgerKit, record } from './ledger.kit.js';

// Whoever can write to Kafka can write anything. Nothing of it may stop a partition or move money that its channel
// does not hold; each record that cannot be booked is kept with its place.

let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
});
afterAll(async () => {
  expect((await kit.use.totals.get()).firstDifference).toBe('');
  await kit.database.close();
  await server.drop();
});

const MIB = 1_048_576;
const good = () => encodeLogRecord([voucher(1n, 1n)]);

function voucher(channelNo: bigint, cumulativeUnits: bigint): LogBlock {
  const proof = randomBytes(64);
  return { kind: 'voucher', channelNo, cumulativeUnits, detail: 1n, proof };
}

/** The record after a change, with a checksum that is right. */
function sealed(change: (bytes: Buffer) => Buffer | undefined): Buffer {
  const bytes = good();
  const changed = Buffer.from(change(bytes) ?? bytes);
  changed.writeUInt32BE(crc32(changed.subarray(12)), 8);
  return changed;
}

const poison: readonly (readonly [string, Buffer | null])[] = [
  ['no value', null],
  ['no bytes', Buffer.alloc(0)],
  ['half a header', good().subarray(0, 7)],
  ['a header only', good().subarray(0, 12)],
  ['a wrong checksum', Buffer.from(good()).fill(9, 8, 12)],
  ['a changed byte', Buffer.from(good()).fill(9, 40, 41)],
  ['an unknown version', sealed((bytes) => void bytes.write('SLV9', 0, 'latin1'))],
  ['another magic', sealed((bytes) => void bytes.write('JUNK', 0, 'latin1'))],
  ['a block too few', sealed((bytes) => bytes.subarray(0, 60))],
  ['bytes too many', sealed((bytes) => Buffer.concat([bytes, Buffer.alloc(96)]))],
  ['no blocks', sealed((bytes) => void bytes.writeUInt32BE(0, 4))],
  ['more blocks than there can be', sealed((bytes) => void bytes.writeUInt32BE(0xffff_ffff, 4))],
  ['a kind that is none', sealed((bytes) => void bytes.writeUInt8(9, 12))],
  ['a bundle of nothing', sealed((bytes) => void bytes.writeUInt8(4, 12))],
  ['a mebibyte of zeros', Buffer.alloc(MIB)],
  ['a mebibyte of noise', randomBytes(MIB)],
];

async function quarantined(part: number, from: bigint): Promise<Map<bigint, string>> {
  const rows = await kit.database.sql<{ at: bigint; reason: string }[]>`
    select log_offset as at, reason from ledger.quarantine
    where part = ${part} and log_offset >= ${from}`;
  return new Map(rows.map(({ at, reason }) => [BigInt(at), reason]));
}

describe('poison in the voucher log', () => {
  it.each(poison)(
    '%s is kept with its offset, and what is around it is booked',
    async (_name, value) => {
      const [payer, payee] = [await kit.account(1_000n), await kit.account()];
      const channel = await kit.channel(payer, payee.address, 500n);
      const at = await kit.use.vouchers.nextOffset(channel.part);
      await kit.use.vouchers.apply(channel.part, [
        record(at, [claim(channel, 10n)]),
        { ...record(at + 1n, [claim(channel, 1n)]), value },
        record(at + 2n, [claim(channel, 25n)]),
      ]);
      expect(await kit.available(payee)).toBe(25n);
      expect(await kit.use.vouchers.nextOffset(channel.part)).toBe(at + 3n);
      expect([...(await quarantined(channel.part, at)).keys()]).toEqual([at + 1n]);
      const [row] = await kit.database.sql`
      select content from ledger.quarantine where part = ${channel.part} and log_offset = ${at + 1n}`;
      expect(Buffer.from(row?.content as Uint8Array).equals(value ?? Buffer.alloc(0))).toBe(true);
    },
  );

  it.each([
    ['a negative amount', (no: bigint) => voucher(no, -5n)],
    ['the least amount there is', (no: bigint) => voucher(no, -(2n ** 63n))],
    ['more than the deposit', (no: bigint) => voucher(no, 501n)],
    ['the most there is', (no: bigint) => voucher(no, 2n ** 63n - 1n)],
    ['a channel below zero', () => voucher(-1n, 5n)],
    ['a channel beyond all numbers', () => voucher(2n ** 63n - 1n, 5n)],
    ['a channel that nobody opened', () => voucher(2n ** 40n, 5n)],
  ])('a record in good form with %s moves nothing', async (_name, block) => {
    const [payer, payee] = [await kit.account(1_000n), await kit.account()];
    const channel = await kit.channel(payer, payee.address, 500n);
    const at = await kit.use.vouchers.nextOffset(channel.part);
    await kit.use.vouchers.apply(channel.part, [record(at, [block(channel.channelNo)])]);
    expect(await kit.available(payee)).toBe(0n);
    await kit.use.vouchers.apply(channel.part, [
      record(at + 1n, [block(channel.channelNo), claim(channel, 7n)]),
    ]);
    expect(await kit.available(payee)).toBe(7n);
    expect(await kit.available(payer)).toBe(500n);
  });

  it('in any mixture neither stops the partition nor moves more than a channel holds', async () => {
    const [payer, payee] = [await kit.account(100_000n), await kit.account()];
    const channels: Awaited<ReturnType<typeof kit.channel>>[] = [];
    // All of one partition, since one log is poisoned here.
    while (channels.length < 5) {
      const channel = await kit.channel(payer, payee.address, 1_000n);
      if (channel.part === (channels[0] ?? channel).part) channels.push(channel);
    }
    const part = channels[0]?.part ?? 0;
    const opened = 100_000n - (await kit.available(payer));
    let honest = 0n;
    for (let round = 0; round < 30; round++) {
      const at = await kit.use.vouchers.nextOffset(part);
      const records = Array.from({ length: 40 }, (_, index): InRecord => {
        const offset = at + BigInt(index);
        const channel = channels[index % channels.length] ?? channels[0];
        if (channel === undefined) throw new Error('there are channels');
        const whole = encodeLogRecord([
          claim(channel, BigInt(round)),
          voucher(randomBytes(8).readBigInt64BE(0) >> BigInt(index % 60), BigInt(index)),
          ...(index % 13 === 0 ? [finalize(channel)] : []),
          bundleOf([channel.channelNo, 2n ** 50n], BigInt(round)),
        ]);
        if (index % 4 === 0) return { offset, key: null, value: whole, timestampMs: 0 };
        const value = Buffer.from(whole);
        // Never the amounts and numbers of the honest claims: they stand for what ingest has verified.
        const spoiled =
          12 + 3 * 96 + (randomBytes(2).readUInt16BE(0) % Math.max(1, value.length - 300));
        if (spoiled < value.length) value[spoiled] = randomBytes(1).readUInt8(0);
        if (index % 4 !== 1) value.writeUInt32BE(crc32(value.subarray(12)), 8);
        return { offset, key: null, value, timestampMs: 0 };
      });
      await kit.use.vouchers.apply(part, records);
      honest = BigInt(round);
      expect(await kit.use.vouchers.nextOffset(part)).toBe(at + 40n);
    }
    const paid = await kit.available(payee);
    expect(paid).toBeGreaterThanOrEqual(honest * BigInt(channels.length));
    expect(paid).toBeLessThanOrEqual(opened);
    expect((await kit.use.totals.get()).firstDifference).toBe('');
  });
});

function bundleOf(channelNos: readonly bigint[], cumulativeUnits: bigint): LogBlock {
  const entries = channelNos.map((channelNo) => ({ channelNo, cumulativeUnits, accepted: true }));
  return { kind: 'bundle', validUntilMs: 1n, signature: randomBytes(64), entries };
}

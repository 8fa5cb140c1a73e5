import { expect, it } from 'vitest';
import { PostVouchersRequest } from '#libs/contracts';
import { LIMITS } from '#libs/domain';
import { BoundedReader, MESSAGES_IN_REQUEST_MAX, TooManyMessages } from './bounded-reader.js';

const VOUCHER = { payee: '', cumulativeUnits: 1n, validUntilMs: 2n };
const bytes = (length: number) => Buffer.alloc(length, 7);

function request(vouchers: number, bundles: number): Buffer {
  const voucher = { ...VOUCHER, channelId: bytes(32), signature: bytes(64) };
  const entries = [{ channelId: bytes(32), cumulativeUnits: 1n }];
  const bundle = { entries, validUntilMs: 2n, signature: bytes(64) };
  const batch = {
    vouchers: Array.from({ length: vouchers }, () => voucher),
    ticks: [],
    bundles: Array.from({ length: bundles }, () => bundle),
  };
  return Buffer.from(PostVouchersRequest.encode({ batch }).finish());
}

const read = (message: Buffer) => PostVouchersRequest.decode(new BoundedReader(message));

it.each([
  ['vouchers', LIMITS.batchItemsMax, 0],
  ['bundles of one entry', 0, LIMITS.batchItemsMax],
])('reads the largest batch of %s like any other reader', (_what, vouchers, bundles) => {
  const message = request(vouchers, bundles);
  expect(message.equals(PostVouchersRequest.encode(read(message)).finish())).toBe(true);
});

/** A batch of that many empty messages of one field. */
function empty(field: number, count: number): Buffer {
  const batch = Buffer.alloc(2 * count, Buffer.from([(field << 3) | 2, 0]));
  const length = Buffer.from([0x80 | (batch.length & 127), 0x80 | ((batch.length >> 7) & 127)]);
  return Buffer.concat([Buffer.from([10]), length, Buffer.from([batch.length >> 14]), batch]);
}

// The request and its batch are messages, too.
const MOST = MESSAGES_IN_REQUEST_MAX - 2;

it.each([
  ['vouchers', 1],
  ['ticks', 2],
  ['bundles', 3],
] as const)('gives up a batch of empty %s at the bound', (what, field) => {
  expect(read(empty(field, MOST)).batch?.[what]).toHaveLength(MOST);
  expect(() => read(empty(field, MOST + 1))).toThrow(TooManyMessages);
  expect(() => read(empty(field, 500_000))).toThrow(TooManyMessages);
});

it('counts a message that replaces the one before', () => {
  const batches = Buffer.alloc(2 * MESSAGES_IN_REQUEST_MAX, Buffer.from([10, 0]));
  expect(() => read(batches)).toThrow(TooManyMessages);
});

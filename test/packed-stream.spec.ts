import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bundleBytes, packPayments, writeBundle, writeTick, writeVoucher } from '#libs/client';
import {
  bundlesOf,
  PACKED_ACCEPTED,
  PACKED_BUNDLE,
  PACKED_BUNDLE_ENTRY,
  PACKED_RECEIPT,
  PACKED_TICK,
  PACKED_VOUCHER,
  Reason,
  StreamPackedRequest,
  StreamPackedResponse,
} from '#libs/contracts';
import { sha256 } from '#libs/crypto';
import { hashesForward, LIMITS, tickChain, toHex } from '#libs/domain';

// docs/packed-stream.md is what clients in other languages are built on: its tables and every byte of its
// example are checked here.

const read = (name: string) => readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8');
const text = read('packed-stream.md');

/** The bytes of a block, without its comments. */
function bytesOf(block: string): Buffer {
  const body = new RegExp(`^\`\`\`hex ${block}\n([^]*?)^\`\`\``, 'm').exec(text)?.[1] ?? '';
  return Buffer.from(body.replaceAll(/#.*$/gm, '').replaceAll(/\s/g, ''), 'hex');
}

/** A table of offsets: the size in its head, and where each field begins. */
function tableOf(head: string): { bytes: number; offsets: number[] } {
  const table = text.split('\n\n').find((part) => part.startsWith(`| ${head}`)) ?? '';
  const bytes = Number(/(\d+) bytes/.exec(table)?.[1]);
  return {
    bytes,
    offsets: [...table.matchAll(/^\| [^|]+ \| (\d+) \|/gm)].map(([, at]) => Number(at)),
  };
}

const signatureOf = (type: string) => {
  const blocks = [...read('signing.md').matchAll(/^```json\n(.*?)^```/gms)];
  const examples = blocks.map(([, body]) => JSON.parse(body ?? '') as Record<string, string>);
  return Buffer.from(examples.find((example) => example.type === type)!.signature!.slice(2), 'hex');
};

const [first, second, third] = [0x11, 0x22, 0x33].map((byte) => Buffer.alloc(32, byte));
const ids = [first!, second!, third!];
const validUntilMs = 1_790_000_000_000n;
const voucher = {
  channelId: first!,
  payee: 'TLRb4HPxBH2oRs4SdM42CiS3kT8xj264of',
  cumulativeUnits: 1_500_000n,
  validUntilMs,
  signature: signatureOf('Voucher'),
};
const chain = tickChain(sha256(Buffer.from('swarmledger packed example')), 3, sha256);
const tick = { channelId: second!, index: 2n, preimage: Buffer.from(chain[2]!) };
const amounts = [1_500_000n, 40n, 7_000n];
const bundle = {
  entries: ids.map((channelId, at) => ({ channelId, cumulativeUnits: amounts[at]! })),
  validUntilMs,
  signature: signatureOf('Bundle'),
};

describe('docs/packed-stream.md', () => {
  it.each([
    ['voucher, 84', PACKED_VOUCHER],
    ['tick, 40', PACKED_TICK],
    ['bundle, 76', PACKED_BUNDLE],
    ['entry of a bundle', PACKED_BUNDLE_ENTRY],
    ['receipt', PACKED_RECEIPT],
    ['accepted', PACKED_ACCEPTED],
  ] as const)('has the layout of a %s', (head, layout) => {
    const { bytes, ...fields } = layout;
    expect(tableOf(head)).toEqual({ bytes, offsets: Object.values(fields) });
  });

  it('tells the limits', () => {
    expect(text).toContain(`u32, 1 to ${LIMITS.bundleEntriesMax}`);
    const grouped = (limit: number) => limit.toLocaleString('en').replace(',', ' ');
    expect(text).toContain(`up to ${grouped(LIMITS.handlesPerOpenMax)} at a time`);
    expect(text).toContain(`up to ${grouped(LIMITS.batchItemsMax)} items and 1 MiB`);
  });

  it('has records as our code writes them', () => {
    const written = {
      voucher: Buffer.alloc(PACKED_VOUCHER.bytes),
      tick: Buffer.alloc(PACKED_TICK.bytes),
      bundle: Buffer.alloc(bundleBytes(bundle)),
    };
    writeVoucher(written.voucher, 0, 0, voucher);
    writeTick(written.tick, 0, 1, tick);
    writeBundle(written.bundle, 0, [0, 1, 2], bundle);
    for (const [name, bytes] of Object.entries(written)) {
      expect(toHex(bytesOf(name))).toBe(toHex(bytes));
    }
    expect(bundlesOf(bytesOf('bundle'))).toEqual([{ at: 0, count: 3 }]);
    expect(hashesForward(bytesOf('tick').subarray(8), 2, chain[0]!, sha256)).toBe(true);
  });

  it('has messages that read as the text says', () => {
    expect(StreamPackedRequest.decode(bytesOf('open'))).toEqual({
      sequence: 1n,
      content: { $case: 'open', value: { channelIds: Buffer.concat(ids) } },
    });
    const payments = { vouchers: [voucher], ticks: [tick], bundles: [bundle] };
    const handleOf = (id: Uint8Array) => ids.findIndex((known) => known.equals(id));
    const { batch, items } = packPayments(payments, handleOf);
    expect(StreamPackedRequest.decode(bytesOf('batch'))).toEqual({
      sequence: 2n,
      content: { $case: 'batch', value: batch },
    });
    expect(items.map(({ position, handle }) => [position, handle])).toEqual([
      [0, 0],
      [1, 1],
      [2, 0],
      [3, 1],
      [4, 2],
    ]);
    const receipts = Buffer.alloc(3 * PACKED_RECEIPT.bytes);
    for (const [handle, units] of amounts.entries()) {
      receipts.writeUInt32BE(handle, handle * PACKED_RECEIPT.bytes);
      receipts.writeBigInt64BE(units, handle * PACKED_RECEIPT.bytes + PACKED_RECEIPT.acceptedUnits);
    }
    const refusal = { reason: Reason.SUPERSEDED, detail: '', acceptedUnits: 1_500_000n };
    const batches = [{ sequence: 2n, refused: [{ item: 2, refusal }] }];
    const value = { batches, receipts, positions: [{ partition: 3, offset: 77n }] };
    expect(StreamPackedResponse.decode(bytesOf('ack'))).toEqual({
      content: { $case: 'ack', value },
    });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '#libs/domain';
import { payBatchData } from './abi.js';
import { decodeTransaction, UnreadableTransactionError } from './decode.js';
import { bytesField, intField, readFields } from './protobuf.js';
import { isSignedBy, KeySigner } from './signer.js';
import { buildTransaction, type ChainCall } from './transaction.js';
import { encodeVaultCall, readVaultCall, type VaultCall } from './vault-call.js';

const signer = new KeySigner('11'.repeat(32));
const payee = new KeySigner('22'.repeat(32)).address;
const build = (call: ChainCall) =>
  buildTransaction({
    owner: signer.address,
    call,
    reference: { number: 70_000n, id: `${'00'.repeat(8)}${'ab'.repeat(24)}`, timestampMs: 1n },
    expirationMs: 1_700_000_060_000n,
    timestampMs: 1_700_000_000_123n,
    feeLimitSun: 5n,
  }).raw;
const trc10 = build({ kind: 'trc10', tokenId: '1002000', to: payee, amountBaseUnits: 2n ** 60n });

describe('decodeTransaction', () => {
  it.each<ChainCall>([
    { kind: 'trx', to: payee, amountSun: 7n },
    { kind: 'trc10', tokenId: '1002000', to: payee, amountBaseUnits: 2n ** 60n },
    { kind: 'trigger', contract: payee, data: Uint8Array.of(1, 2, 3) },
  ])('reads what was built: $kind', (call) => {
    const decoded = decodeTransaction(build(call));
    expect({ ...decoded, call: { ...decoded.call } }).toEqual({
      owner: signer.address,
      call: 'data' in call ? { ...call, data: expect.anything() } : call,
      referenceBytes: 70_000 % 65_536,
      referenceHash: 'ab'.repeat(8),
      expirationMs: 1_700_000_060_000n,
      timestampMs: 1_700_000_000_123n,
      feeLimitSun: 5n,
    });
    if ('data' in call && 'data' in decoded.call) {
      expect(toHex(decoded.call.data)).toBe(toHex(call.data));
    }
  });

  const text = (value: string) => Buffer.from(value);
  it.each([
    ['nothing', new Uint8Array()],
    ['a field behind it', Buffer.concat([trc10, intField(19, 1n)])],
    ['a field that is 0', Buffer.concat([trc10, Uint8Array.of(0xa0, 0x01, 0)])],
    ['a field twice', Buffer.concat([trc10, intField(18, 5n)])],
    ['half a field', trc10.subarray(0, -1)],
    ['an integer in a longer form', Buffer.concat([trc10.subarray(0, -1), Uint8Array.of(0x85, 0)])],
    ['a 32-bit field', Buffer.concat([trc10, Uint8Array.of(0x9d, 0x01, 0, 0, 0, 0)])],
    ['another type of call', Buffer.from(toHex(trc10).replace('0802', '0804'), 'hex')],
    ['too many bytes', new Uint8Array(200_000)],
  ])('refuses %s', (_name, raw) => {
    expect(() => decodeTransaction(raw)).toThrow(UnreadableTransactionError);
  });

  it('names a memo and a permission', () => {
    const memo = Buffer.concat([trc10, bytesField(10, text('hello'))]);
    expect(() => decodeTransaction(memo)).toThrow('memo');
    const contract = readFields(trc10).get(11) as Uint8Array;
    const permitted = bytesField(11, Buffer.concat([contract, intField(5, 2n)]));
    expect(() => decodeTransaction(permitted)).toThrow('permission');
  });

  it('throws nothing else, whatever the bytes', () => {
    const mutated = fc
      .tuple(fc.nat(trc10.length - 1), fc.nat(255))
      .map(([at, byte]) => Uint8Array.from(trc10, (old, index) => (index === at ? byte : old)));
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), (raw) => {
        try {
          decodeTransaction(raw);
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableTransactionError);
        }
      }),
    );
  });
});

describe('readVaultCall', () => {
  const root = 'cd'.repeat(32);
  const calls: VaultCall[] = [
    {
      method: 'payBatch',
      batchId: 'ab'.repeat(32),
      payouts: [
        { to: payee, amountBaseUnits: 5n },
        { to: signer.address, amountBaseUnits: 2n ** 200n },
      ],
    },
    { method: 'payBatch', batchId: 'ab'.repeat(32), payouts: [] },
    {
      method: 'commitClaims',
      batchId: 'ab'.repeat(32),
      root,
      totalUnits: 9n,
      claimableUntilS: 77n,
    },
    { method: 'releaseClaims', batchId: 'ab'.repeat(32) },
    { method: 'commitEpoch', epoch: 3n, root, totalUnits: 9n },
  ];

  it.each(calls)('reads what was encoded: $method', (call) => {
    expect(readVaultCall(encodeVaultCall(call))).toEqual(call);
  });

  it('reads nothing else', () => {
    const data = payBatchData(new Uint8Array(32), [{ to: payee, amountBaseUnits: 5n }]);
    const change = (at: number, byte: number) =>
      Uint8Array.from(data, (old, index) => (index === at ? byte : old));
    expect(readVaultCall(data)).toBeDefined();
    // Offsets that overlap or point elsewhere, and dirt before an address.
    expect(readVaultCall(change(4 + 63, 0x80))).toBeUndefined();
    expect(readVaultCall(change(4 + 95, 0x60))).toBeUndefined();
    expect(readVaultCall(change(4 + 4 * 32, 1))).toBeUndefined();
    expect(readVaultCall(change(4 + 127, 2))).toBeUndefined();
    expect(readVaultCall(Buffer.concat([data, new Uint8Array(32)]))).toBeUndefined();
    expect(readVaultCall(data.subarray(0, -1))).toBeUndefined();
    expect(readVaultCall(Uint8Array.of(0xa9, 0x05, 0x9c, 0xbb))).toBeUndefined();
    expect(readVaultCall(new Uint8Array())).toBeUndefined();
    const epoch = encodeVaultCall({ method: 'commitEpoch', epoch: 3n, root, totalUnits: 9n });
    expect(readVaultCall(Uint8Array.from(epoch, (b, at) => (at === 4 ? 1 : b)))).toBeUndefined();
  });
});

describe('isSignedBy', () => {
  it('knows its own signature from others', async () => {
    const signature = await signer.sign(trc10);
    expect(isSignedBy(signer.address, trc10, signature)).toBe(true);
    expect(isSignedBy(payee, trc10, signature)).toBe(false);
    expect(isSignedBy(signer.address, trc10.subarray(1), signature)).toBe(false);
    expect(isSignedBy(signer.address, trc10, signature.subarray(1))).toBe(false);
    expect(isSignedBy(signer.address, trc10, new Uint8Array(65))).toBe(false);
  });

  it('takes no last byte but the four that wallets write', async () => {
    const signature = await signer.sign(trc10);
    const last = signature[64] ?? 0;
    const good = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) =>
      isSignedBy(signer.address, trc10, signature.with(64, byte)),
    );
    expect(good).toEqual([last - 27, last]);
  });
});

import { describe, expect, it } from 'vitest';
import { addressBytes, toHex } from '#libs/domain';
import { blockSchema, chainAddress, infoSchema, readBlock } from './block.js';
import { TronNodeError } from './errors.js';
import { parseNodeJson } from './node-json.js';
import { bytesField, intField, message } from './protobuf.js';
import { KeySigner } from './signer.js';
import { buildTransaction, txidOf } from './transaction.js';

const from = new KeySigner('11'.repeat(32)).address;
const to = new KeySigner('22'.repeat(32)).address;
const hex = (address: string) => `41${toHex(addressBytes(address))}`;
const id = (number: number) => number.toString(16).padStart(16, '0') + 'cd'.repeat(24);
const TOKEN = Buffer.from('1002000').toString('hex');
const PRINTED = { to_address: hex(to), asset_name: TOKEN, amount: 9n };

const calls = {
  TransferAssetContract: { kind: 'trc10', tokenId: '1002000', to, amountBaseUnits: 9n },
  TriggerSmartContract: { kind: 'trigger', contract: to, data: Uint8Array.of(1) },
} as const;
const signed = (type: keyof typeof calls) =>
  buildTransaction({
    owner: from,
    call: calls[type],
    reference: { number: 4n, id: id(4), timestampMs: 0n },
    expirationMs: 60_000n,
    timestampMs: 1n,
    feeLimitSun: 0n,
  });
const TXID = signed('TransferAssetContract').txid;

const transaction = (type: keyof typeof calls, value: object, contractRet = 'SUCCESS') => ({
  txID: signed(type).txid,
  raw_data_hex: toHex(signed(type).raw),
  ret: [{ contractRet }],
  raw_data: { contract: [{ type, parameter: { value: { owner_address: hex(from), ...value } } }] },
});
const trc10 = (contractRet?: string, value = PRINTED) =>
  transaction('TransferAssetContract', value, contractRet);
const block = (...transactions: object[]) =>
  blockSchema.parse({
    blockID: id(5),
    block_header: { raw_data: { number: 5, timestamp: 1_000, parentHash: id(4) } },
    transactions,
  });
const info = (change: object = {}) =>
  infoSchema.parse({ id: TXID, blockNumber: 5, receipt: {}, ...change });
const callInfo = (change: object) => info({ id: signed('TriggerSmartContract').txid, ...change });
const log = { address: hex(to).slice(2), topics: ['01'.repeat(32)], data: '02' };

describe('readBlock', () => {
  it('reads a TRC-10 transfer', () => {
    const [read] = readBlock(5n, block(trc10()), [info({ fee: 7 })]).transactions;
    expect(read).toMatchObject({
      txid: TXID,
      succeeded: true,
      feeSun: 7n,
      trc10: { tokenId: '1002000', from, to, amountBaseUnits: 9n },
    });
  });

  it.each([
    ['contractRet', trc10('REVERT'), {}],
    ['result', trc10(), { result: 'FAILED' }],
    ['receipt', trc10(), { receipt: { result: 'OUT_OF_ENERGY' } }],
  ])('believes the %s that says failure', (_place, failing, change) => {
    const [read] = readBlock(5n, block(failing), [info(change)]).transactions;
    expect(read?.succeeded).toBe(false);
    expect(read?.result).not.toBe('SUCCESS');
  });

  it('wants an explicit success of a contract call and drops the logs of a failed one', () => {
    const call = transaction('TriggerSmartContract', {});
    const read = (change: object) => readBlock(5n, block(call), [callInfo(change)]).transactions[0];
    expect(read({ log: [log] })).toMatchObject({ succeeded: false, result: 'UNKNOWN', logs: [] });
    expect(read({ receipt: { result: 'REVERT' }, log: [log] })?.logs).toEqual([]);
    expect(read({ receipt: { result: 'SUCCESS' }, log: [log] })?.logs).toHaveLength(1);
  });

  it('sees no transfer in what the TVM moved by itself, rejected or not', () => {
    const call = transaction('TriggerSmartContract', {});
    for (const rejected of [true, false]) {
      const internal = {
        ...{ hash: 'ee'.repeat(32), caller_address: hex(from), transferTo_address: hex(to) },
        ...{ callValueInfo: [{ callValue: 9, tokenId: '1002000' }], rejected },
      };
      const told = { receipt: { result: 'SUCCESS' }, internal_transactions: [internal] };
      const [read] = readBlock(5n, block(call), [callInfo(told)]).transactions;
      expect(read).toMatchObject({ succeeded: true, logs: [] });
      expect(read).not.toHaveProperty('trc10');
    }
  });

  it('refuses another block, a missing receipt and a receipt of another block', () => {
    const contradiction = expect.objectContaining({ failure: 'contradiction' });
    expect(() => readBlock(6n, block(), [])).toThrow(contradiction);
    expect(() => readBlock(5n, block(trc10()), [])).toThrow(contradiction);
    expect(() => readBlock(5n, block(trc10()), [info({ id: 'bb'.repeat(32) })])).toThrow(
      contradiction,
    );
    expect(() => readBlock(5n, block(trc10()), [info({ blockNumber: 4 })])).toThrow(contradiction);
    expect(() => readBlock(5n, { ...block(), blockID: id(6) }, [])).toThrow(contradiction);
  });

  it.each([
    ['amount', trc10('SUCCESS', { ...PRINTED, amount: 10n })],
    ['payee', trc10('SUCCESS', { ...PRINTED, to_address: hex(from) })],
    ['token', trc10('SUCCESS', { ...PRINTED, asset_name: '31' })],
    ['owner', transaction('TransferAssetContract', { ...PRINTED, owner_address: hex(to) })],
    ['type', { ...trc10(), raw_data: transaction('TriggerSmartContract', {}).raw_data }],
    [
      'hidden type',
      { ...trc10(), raw_data: { contract: [{ type: 'X', parameter: { value: {} } }] } },
    ],
    ['id', { ...transaction('TriggerSmartContract', {}), txID: TXID }],
    ['form', { ...trc10(), raw_data_hex: '5a', txID: txidOf(Uint8Array.of(0x5a)) }],
  ])('refuses another %s than was signed', (_what, lie: object) => {
    const told = block(lie);
    const receipt = info({ id: told.transactions?.[0]?.txID });
    expect(() => readBlock(5n, told, [receipt])).toThrow(
      expect.objectContaining({ failure: 'contradiction' }),
    );
  });

  it('refuses another owner than signed what is neither a transfer nor a call', () => {
    // FreezeBalanceV2Contract.
    const value = bytesField(1, Buffer.from(hex(from), 'hex'));
    const raw = bytesField(11, message(intField(1, 54n), bytesField(2, bytesField(2, value))));
    const txID = txidOf(raw);
    const stake = (value: object) => ({
      ...{ txID, raw_data_hex: toHex(raw), ret: [{ contractRet: 'SUCCESS' }] },
      raw_data: { contract: [{ type: 'FreezeBalanceV2Contract', parameter: { value } }] },
    });
    const read = (value: object) => readBlock(5n, block(stake(value)), [info({ id: txID })]);
    expect(read({ owner_address: hex(from) }).transactions).toMatchObject([{ owner: from }]);
    const contradiction = expect.objectContaining({ failure: 'contradiction' });
    expect(() => read({ owner_address: hex(to) })).toThrow(contradiction);
    expect(() => read({})).toThrow(contradiction);
  });

  it('refuses malformed transfers and addresses', () => {
    const strange = transaction('TransferAssetContract', { amount: 'much' });
    expect(() => readBlock(5n, block(strange), [info()])).toThrow(TronNodeError);
    expect(() => chainAddress('42'.repeat(21))).toThrow(TronNodeError);
  });
});

describe('parseNodeJson', () => {
  it('keeps integers exact beyond 2^53 and leaves the rest alone', () => {
    expect(parseNodeJson('{"a":9007199254740993,"b":1,"c":1.5,"d":"x"}')).toEqual({
      a: 9_007_199_254_740_993n,
      b: 1,
      c: 1.5,
      d: 'x',
    });
  });
});

import { utils } from 'tronweb';
import { describe, expect, it } from 'vitest';
import { addressBytes, toHex } from '#libs/domain';
import {
  abiAddress,
  callData,
  payBatchData,
  readDeposited,
  readPayoutFailed,
  readTrc20Transfer,
  readUints,
  TRANSFER_TOPIC,
} from './abi.js';
import { KeySigner } from './signer.js';
import { buildTransaction, type ChainCall, signedTransactionHex, txidOf } from './transaction.js';

const signer = new KeySigner('11'.repeat(32));
const payee = new KeySigner('22'.repeat(32)).address;
const contract = new KeySigner('33'.repeat(32)).address;
const hex = (address: string) => `41${toHex(addressBytes(address))}`;
const reference = {
  number: 70_000n,
  id: `0000000000011170${'ab'.repeat(24)}`,
  timestampMs: 1_700_000_000_000n,
};
const build = (call: ChainCall, change: { timestampMs?: bigint; feeLimitSun?: bigint } = {}) =>
  buildTransaction({
    owner: signer.address,
    call,
    reference,
    expirationMs: 1_700_000_060_000n,
    timestampMs: 1_700_000_000_123n,
    feeLimitSun: 0n,
    ...change,
  });

/** The id that tronweb's own protobuf code gives the same transaction. */
function tronwebId(type: string, value: object, feeLimit?: number): string {
  const json = {
    visible: false,
    raw_data: {
      contract: [{ parameter: { value, type_url: `type.googleapis.com/protocol.${type}` }, type }],
      ref_block_bytes: '1170',
      ref_block_hash: 'ab'.repeat(8),
      expiration: 1_700_000_060_000,
      timestamp: 1_700_000_000_123,
      ...(feeLimit === undefined ? {} : { fee_limit: feeLimit }),
    },
  };
  return utils.transaction.txPbToTxID(utils.transaction.txJsonToPb(json)).replace(/^0x/, '');
}

describe('buildTransaction', () => {
  it('makes the bytes that tronweb makes, for every kind of call', () => {
    const owner_address = hex(signer.address);
    const to_address = hex(payee);
    expect(build({ kind: 'trx', to: payee, amountSun: 5_000_000n }).txid).toBe(
      tronwebId('TransferContract', { owner_address, to_address, amount: 5_000_000 }),
    );
    expect(build({ kind: 'trc10', tokenId: '1002000', to: payee, amountBaseUnits: 77n }).txid).toBe(
      tronwebId('TransferAssetContract', {
        owner_address,
        to_address,
        amount: 77,
        asset_name: Buffer.from('1002000').toString('hex'),
      }),
    );
    const data = payBatchData(Buffer.alloc(32, 7), [{ to: payee, amountBaseUnits: 10n ** 18n }]);
    expect(build({ kind: 'trigger', contract, data }, { feeLimitSun: 900_000_000n }).txid).toBe(
      tronwebId(
        'TriggerSmartContract',
        { owner_address, contract_address: hex(contract), data: toHex(data) },
        900_000_000,
      ),
    );
  });

  it('keeps every digit of an amount above 2^53', () => {
    const amount = 2n ** 53n + 1n;
    const at = (amountBaseUnits: bigint) =>
      build({ kind: 'trc10', tokenId: '1002000', to: payee, amountBaseUnits }).txid;
    expect(at(amount)).not.toBe(at(amount - 1n));
    expect(() => at(2n ** 63n)).toThrow(RangeError);
    expect(() => at(-1n)).toThrow(RangeError);
  });

  it('gives equal payouts of different times different ids', () => {
    const call = { kind: 'trc10', tokenId: '1002000', to: payee, amountBaseUnits: 1n } as const;
    expect(build(call).txid).not.toBe(build(call, { timestampMs: 1_700_000_000_124n }).txid);
  });

  it('signs so that the signer can be recovered', async () => {
    const { raw, txid } = build({ kind: 'trx', to: payee, amountSun: 1n });
    expect(txidOf(raw)).toBe(txid);
    const signature = await signer.sign(raw);
    expect(signature).toHaveLength(65);
    expect(utils.crypto.ecRecover(txid, toHex(signature)).toLowerCase()).toBe(hex(signer.address));
    expect(signedTransactionHex(raw, signature)).toContain(toHex(raw));
    expect(() => signedTransactionHex(raw, signature.subarray(1))).toThrow(TypeError);
  });

  it('does not show a malformed key', () => {
    expect(() => new KeySigner('not a key')).toThrow('a private key is 32 bytes of hex');
  });
});

describe('abi', () => {
  it('encodes payBatch as its selector and arguments', () => {
    const data = toHex(payBatchData(Buffer.alloc(32, 1), [{ to: payee, amountBaseUnits: 3n }]));
    expect(data).toHaveLength(8 + 64 * 7);
    expect(data).toContain(toHex(addressBytes(payee)));
    expect(toHex(callData('token()'))).toBe('fc0c546a');
  });

  it('reads what the vault logs, and nothing else for it', () => {
    const topic = (signature: string) =>
      utils.ethersUtils.keccak256(Buffer.from(signature)).slice(2);
    const word = (hexDigits: string) => hexDigits.padStart(64, '0');
    const failed = {
      contract,
      topics: [topic('PayoutFailed(bytes32,uint256,address,uint256)'), 'ab'.repeat(32), word('c7')],
      data: '',
    };
    expect(readPayoutFailed(failed)).toEqual({ chainBatchId: 'ab'.repeat(32), line: 199 });
    expect(readPayoutFailed({ ...failed, topics: failed.topics.slice(0, 2) })).toBeUndefined();
    const deposited = {
      contract,
      topics: [
        topic('Deposited(address,address,uint256)'),
        word(abiAddress(payee).slice(2)),
        word(abiAddress(signer.address).slice(2)),
      ],
      data: word('05'),
    };
    expect(readDeposited(deposited)).toEqual({
      account: payee,
      from: signer.address,
      amountBaseUnits: 5n,
    });
    expect(readDeposited({ ...deposited, topics: deposited.topics.slice(0, 2) })).toBeUndefined();
    expect(readDeposited(failed)).toBeUndefined();
    expect(readPayoutFailed(deposited)).toBeUndefined();
  });

  it('reads several words, and only as many as there should be', () => {
    const answer = Buffer.concat([Buffer.alloc(31), Buffer.of(1), Buffer.alloc(31), Buffer.of(2)]);
    expect(readUints(answer, 2)).toEqual([1n, 2n]);
    expect(() => readUints(answer, 3)).toThrow(TypeError);
  });

  it('reads only standard Transfer logs', () => {
    const word = (address: string) => abiAddress(address).slice(2).padStart(64, '0');
    const log = {
      contract,
      topics: [TRANSFER_TOPIC, word(payee), word(signer.address)],
      data: '05'.padStart(64, '0'),
    };
    expect(readTrc20Transfer(log)).toEqual({
      from: payee,
      to: signer.address,
      amountBaseUnits: 5n,
    });
    expect(readTrc20Transfer({ ...log, topics: log.topics.slice(0, 2) })).toBeUndefined();
    expect(readTrc20Transfer({ ...log, topics: [...log.topics, word(payee)] })).toBeUndefined();
    expect(readTrc20Transfer({ ...log, data: '' })).toBeUndefined();
    expect(readTrc20Transfer({ ...log, topics: ['00'.repeat(32)] })).toBeUndefined();
  });
});

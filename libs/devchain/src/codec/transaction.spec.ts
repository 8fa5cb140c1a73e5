import fc from 'fast-check';
import { utils } from 'tronweb';
import { describe, expect, it } from 'vitest';
import { addressOfPublicKey } from './address.js';
import { type JsonObject, parseJson, printJson } from './json.js';
import {
  recoverSigner,
  signTransaction,
  transactionFromBytes,
  transactionFromJson,
  transactionToBytes,
  transactionToJson,
} from './transaction.js';

const OWNER = '41a614f803b6fd780986a42c78ec9c7f77e6ded13c';
const OTHER = '4111ffb1650326caf2a10c4c8942732d7e2ae9ea52';

function json(type: string, value: object, more: object = {}, permission = 0): JsonObject {
  return {
    visible: false,
    raw_data: {
      contract: [
        {
          parameter: { value, type_url: `type.googleapis.com/protocol.${type}` },
          type,
          ...(permission === 0 ? {} : { Permission_id: permission }),
        },
      ],
      ref_block_bytes: '000a',
      ref_block_hash: '5bd5acbe54bea02b',
      expiration: 1_795_602_438_600,
      timestamp: 1_795_602_378_893,
      ...more,
    },
  } as unknown as JsonObject;
}

/** What the client library computes for the same JSON. */
function reference(transaction: JsonObject): { txID: string; hex: string } {
  const pb = utils.transaction.txJsonToPb(transaction);
  return {
    txID: utils.transaction.txPbToTxID(pb).replace(/^0x/, ''),
    hex: utils.transaction.txPbToRawDataHex(pb).toLowerCase(),
  };
}

const permissionValue = {
  owner_address: OWNER,
  owner: {
    type: 0,
    permission_name: 'owner',
    threshold: 2,
    keys: [
      { address: OWNER, weight: 1 },
      { address: OTHER, weight: 1 },
    ],
  },
  actives: [
    {
      type: 2,
      permission_name: 'pay',
      threshold: 1,
      operations: '02'.padEnd(64, '0'),
      keys: [{ address: OTHER, weight: 1 }],
    },
  ],
};
const cases: [string, JsonObject][] = [
  [
    'TransferContract',
    json('TransferContract', { owner_address: OWNER, to_address: OTHER, amount: 123 }),
  ],
  [
    'memo, permission',
    json(
      'TransferContract',
      { owner_address: OWNER, to_address: OTHER, amount: 1 },
      { data: 'beef' },
      2,
    ),
  ],
  [
    'TransferAssetContract',
    json('TransferAssetContract', {
      owner_address: OWNER,
      to_address: OTHER,
      asset_name: Buffer.from('1002000').toString('hex'),
      amount: 7,
    }),
  ],
  [
    'TriggerSmartContract',
    json(
      'TriggerSmartContract',
      {
        owner_address: OWNER,
        contract_address: OTHER,
        call_value: 5,
        data: 'a9059cbb',
        call_token_value: 6,
        token_id: 1_002_000,
      },
      { fee_limit: 150_000_000 },
    ),
  ],
  [
    'CreateSmartContract',
    json('CreateSmartContract', {
      owner_address: OWNER,
      new_contract: {
        origin_address: OWNER,
        abi: {
          entrys: [
            { type: 'Constructor', stateMutability: 'Nonpayable' },
            {
              type: 'Function',
              name: 'f',
              stateMutability: 'View',
              inputs: [{ name: 'a', type: 'uint256' }],
              outputs: [{ type: 'bool' }],
            },
            { type: 'Event', name: 'E', inputs: [{ indexed: true, name: 'x', type: 'address' }] },
          ],
        },
        bytecode: '6080',
        consume_user_resource_percent: 100,
        name: 'Vault',
        origin_energy_limit: 10_000_000,
      },
    }),
  ],
  ['AccountPermissionUpdateContract', json('AccountPermissionUpdateContract', permissionValue)],
  [
    'FreezeBalanceV2Contract',
    json('FreezeBalanceV2Contract', {
      owner_address: OWNER,
      frozen_balance: 9_000_000,
      resource: 'ENERGY',
    }),
  ],
  [
    'UnfreezeBalanceV2Contract',
    json('UnfreezeBalanceV2Contract', {
      owner_address: OWNER,
      unfreeze_balance: 9,
      resource: 'BANDWIDTH',
    }),
  ],
  [
    'AccountCreateContract',
    json('AccountCreateContract', { owner_address: OWNER, account_address: OTHER }),
  ],
];

describe('transaction', () => {
  it.each(cases)('%s has the id and bytes the client library computes', (_name, value) => {
    const transaction = transactionFromJson(value);
    const expected = reference(value);
    expect(transaction.rawBytes.toString('hex')).toBe(expected.hex);
    expect(transaction.txId).toBe(expected.txID);
  });

  it.each(cases)('%s survives printing and serializing', (_name, value) => {
    const transaction = transactionFromJson(value);
    const printed = parseJson(printJson(transactionToJson(transaction, false)));
    expect(transactionFromJson(printed).txId).toBe(transaction.txId);
    const visible = parseJson(printJson(transactionToJson(transaction, true)));
    expect(transactionFromJson(visible).txId).toBe(transaction.txId);
    const read = transactionFromBytes(transactionToBytes(transaction, 'SUCCESS'));
    expect(read.txId).toBe(transaction.txId);
    expect(read.sizeBytes).toBe(transaction.sizeBytes);
  });

  it('keeps every 64-bit amount exact', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }), (amount) => {
        const text = printJson(
          json('TransferContract', { owner_address: OWNER, to_address: OTHER, amount }),
        );
        const transaction = transactionFromJson(parseJson(text));
        expect(transaction.value.amount ?? 0n).toBe(amount);
        const read = transactionFromBytes(transactionToBytes(transaction));
        expect(read.value.amount ?? 0n).toBe(amount);
      }),
    );
  });

  it('gives another id for any changed field, whatever raw_data_hex says', () => {
    const [, value] = cases[0]!;
    const { txId, rawBytes } = transactionFromJson(value);
    const changed = structuredClone(value) as {
      raw_data: { expiration: number };
      raw_data_hex?: string;
    };
    changed.raw_data.expiration += 1;
    changed.raw_data_hex = rawBytes.toString('hex');
    expect(transactionFromJson(changed as unknown as JsonObject).txId).not.toBe(txId);
  });

  it('recovers the signer, and only from a proper signature', () => {
    const { privateKey, publicKey } = utils.accounts.generateAccount();
    const transaction = transactionFromJson(cases[0]![1]);
    const signed = signTransaction(transaction, Buffer.from(privateKey, 'hex'));
    const [signature = new Uint8Array()] = signed.signatures;
    const address = addressOfPublicKey(Buffer.from(publicKey, 'hex'));
    expect(recoverSigner(signed.txId, signature)).toEqual(address);
    const zeroBased = Uint8Array.from(signature);
    zeroBased[64] = (zeroBased[64] ?? 27) - 27;
    expect(recoverSigner(signed.txId, zeroBased)).toEqual(address);
    expect(recoverSigner(signed.txId, signature.subarray(0, 64))).toBeUndefined();
    expect(recoverSigner(signed.txId, new Uint8Array(65))).toBeUndefined();
    const foreign = Uint8Array.from(signature);
    foreign[64] = 99;
    expect(recoverSigner(signed.txId, foreign)).toBeUndefined();
  });

  it('never does anything but throw on arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => transactionFromBytes(bytes)).toThrow(Error);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { isProven } from './block-proof.js';

// Blocks that java-tron has made: 165 of a private chain, and headers of the main network and of Nile.
const SIGNED =
  '0a0200a42208b0ef6ad98a02403e40b8e1e8d38f345a57083b12530a38747970652e676f6f676c65617069732e636f6d2f70726f746f636f6c2e43616e63656c416c6c556e667265657a655632436f6e747261637412170a1541dcf2957055e8fcde477a077ecfeddf5ab235754770a1899cbf8f34';
const HEADER = {
  timestamp: 1_790_865_510_000,
  txTrieRoot: 'c85f5050cb4a05c58222017f823191d5ae1ca07b7bd7f090f493a35c10f03491',
  parentHash: '00000000000000a4b0ef6ad98a02403ebb86833716c2350b6338a6ee79df2dfc',
  number: 165,
  witness_address: '417e5f4552091a69125d5dfcb7b8c2659029395bdf',
  version: 38,
};
const TRANSACTION = {
  raw_data_hex: SIGNED,
  signature: [
    '755e1552868a1734c90c28dacb66e58f85eaa5fc2845593280e3b6ee1cf1b7af793cc378d8c3ad144542502270ab852095665abfffdea306200a9942a67e161401',
  ],
  ret: [{ contractRet: 'SUCCESS' }],
};
const proven = (header: object = {}, ...transactions: object[]) =>
  isProven({
    blockID: '00000000000000a568a725352ccd7fbad4e65f56ed11d420a505c21f2230145d',
    block_header: { raw_data: { ...HEADER, ...header } },
    transactions: transactions.length === 0 ? [TRANSACTION] : transactions,
  });

describe('a block', () => {
  it('of java-tron is proven by its header', () => {
    expect(proven()).toBe(true);
  });

  it.each([
    [
      '00000000011918071ecc35c6178f7cea6abf0a0747cf1084b43c9660bd02eb24',
      18_421_767,
      '41839d08f05ade5b365e81d1a66c20af13ebb2991d',
      '0000000001191806eeaac4f94195754bab81a6da304f839f15f12ba874e57884',
      22,
      1_631_928_606_000,
    ],
    [
      '0000000000000a611841e6cd79f99249d7e974e41c0f5b016eb3c64e43fcb01c',
      2_657,
      '411661f25387370c9cd3a9a5d97e60ca90f4844e7e',
      '0000000000000a6023d563b1a2e1e0eb49cb40226eb553e6dc006e723395d588',
      0,
      1_529_899_509_000,
    ],
  ])(
    'without transactions is proven: %s',
    (blockID, number, witness, parentHash, version, timestamp) => {
      const raw = { number, parentHash, version, timestamp, witness_address: witness };
      const raw_data = { ...raw, txTrieRoot: '00'.repeat(32) };
      expect(isProven({ blockID, block_header: { raw_data } })).toBe(true);
      expect(isProven({ blockID, block_header: { raw_data: raw } })).toBe(false);
    },
  );

  it.each([
    ['another time', { timestamp: 1_790_865_510_001 }],
    ['another version', { version: 37 }],
    ['a field that is not known here', { shardId: 1 }],
    ['a root of its own', { txTrieRoot: '11'.repeat(32) }],
    ['a negative number', { version: -1 }],
  ])('with %s in its header is not', (_what, header) => {
    expect(proven(header)).toBe(false);
  });

  it.each([
    ['other bytes', { raw_data_hex: `${SIGNED.slice(0, -2)}35` }],
    ['another result', { ret: [{ contractRet: 'REVERT' }] }],
    ['no result', { ret: [] }],
    ['an empty result', { ret: [{ contractRet: 'SUCCESS' }, {}] }],
    ['a result that is not known here', { ret: [{ contractRet: 'SUCCESS', receipt: 'x' }] }],
    ['another signature', { signature: ['00'] }],
  ])('with %s in a transaction is not', (_what, change) => {
    expect(proven({}, { ...TRANSACTION, ...change })).toBe(false);
  });

  it('with a transaction too many is not', () => {
    expect(proven({}, TRANSACTION, TRANSACTION)).toBe(false);
    expect(proven({}, TRANSACTION, TRANSACTION, TRANSACTION)).toBe(false);
  });
});

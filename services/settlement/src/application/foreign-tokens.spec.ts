import { expect, it } from 'vitest';
import { addressBytes, toHex } from '#libs/domain';
import { type ChainTransaction, TRANSFER_TOPIC } from '#libs/tron';
import { ForeignTokens } from './foreign-tokens.js';

const VAULT = 'TLsV52sRDL79HXGGm9yzwKibb6BeruhUzy';
const WALLET = 'TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC';
const OURS = 'TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj';
const THEIRS = 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8';
const place = { trc20: OURS, trc10Id: '1002000', recipients: [VAULT, WALLET] };

const word = (address: string) => toHex(addressBytes(address)).padStart(64, '0');
const log = (contract: string, to: string, baseUnits: bigint, topics: string[] = []) => ({
  contract,
  topics: [TRANSFER_TOPIC, word(THEIRS), word(to), ...topics],
  data: baseUnits.toString(16).padStart(64, '0'),
});
const transaction = (change: Partial<ChainTransaction>): ChainTransaction => ({
  ...{ txid: 'aa'.repeat(32), owner: THEIRS, succeeded: true, result: 'SUCCESS' },
  ...{ energyUsed: 0n, feeSun: 0n, logs: [] },
  ...change,
});
const trc10 = (tokenId: string, to: string) => ({ tokenId, from: THEIRS, to, amountBaseUnits: 3n });
const read = (...transactions: ChainTransaction[]) => {
  const tokens = new ForeignTokens(place);
  for (const [at, one] of transactions.entries()) tokens.read(one, BigInt(at));
  return tokens.list();
};

it('sees what is sent to an address of ours and is not ours', () => {
  expect(read(transaction({ logs: [log(THEIRS, VAULT, 5n)] }))).toEqual([
    {
      ...{ token: THEIRS, recipient: VAULT, transfers: 1, lastTxid: 'aa'.repeat(32) },
      ...{ lastSender: THEIRS, lastBaseUnits: 5n, lastBlock: 0n },
    },
  ]);
  expect(read(transaction({ trc10: trc10('1000001', WALLET) }))).toMatchObject([
    { token: '1000001', recipient: WALLET, lastBaseUnits: 3n },
  ]);
});

it('passes over our own tokens, strangers, nothing, tokens with four topics and ids of no kind', () => {
  const logs = [
    log(OURS, VAULT, 5n),
    log(THEIRS, THEIRS, 5n),
    log(THEIRS, VAULT, 0n),
    log(THEIRS, VAULT, 5n, ['00'.repeat(32)]),
    { ...log(THEIRS, VAULT, 5n), data: '05' },
  ];
  expect(read(transaction({ logs }))).toEqual([]);
  expect(read(transaction({ trc10: trc10('1002000', WALLET) }))).toEqual([]);
  expect(read(transaction({ trc10: trc10('BTT\0', WALLET) }))).toEqual([]);
});

it('has one entry for a token and address, however often it is sent', () => {
  const many = transaction({ logs: Array.from({ length: 500 }, () => log(THEIRS, VAULT, 1n)) });
  const last = transaction({ txid: 'bb'.repeat(32), logs: [log(THEIRS, VAULT, 9n)] });
  const both = read(many, last, transaction({ logs: [log(THEIRS, WALLET, 2n)] }));
  expect(both).toHaveLength(2);
  expect(both.find(({ recipient }) => recipient === VAULT)).toMatchObject({
    ...{ transfers: 501, lastTxid: 'bb'.repeat(32), lastBaseUnits: 9n, lastBlock: 1n },
  });
});

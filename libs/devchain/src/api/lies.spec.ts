import { describe, expect, it } from 'vitest';
import { alterTransactions } from './lies.js';

const transaction = (value: object) => ({
  txID: 'ab',
  raw_data: { contract: [{ type: 'T', parameter: { value } }], expiration: 5 },
  raw_data_hex: 'cd',
});

describe('altered answers', () => {
  it('have other amounts, payees and call data, and the same ids', () => {
    const truth = {
      blockID: '00',
      transactions: [
        transaction({ amount: 5n, to_address: '41aa', owner_address: '41bb' }),
        transaction({ data: 'a9059cbb00', contract_address: '41cc' }),
      ],
    };
    expect(alterTransactions(truth)).toEqual({
      blockID: '00',
      transactions: [
        transaction({ amount: 6n, to_address: '41a0', owner_address: '41bb' }),
        transaction({ data: 'a9059cbb01', contract_address: '41cc' }),
      ],
    });
    expect(truth.transactions[0]?.raw_data.contract[0]?.parameter.value).toMatchObject({
      amount: 5n,
    });
  });

  it('have other fees and logs in receipts', () => {
    const receipt = { id: 'ab', fee: 5n, log: [{ address: 'cc', topics: ['dd'], data: '0102' }] };
    expect(alterTransactions([receipt])).toEqual([
      { id: 'ab', fee: 6n, log: [{ address: 'cc', topics: ['dd'], data: '0100' }] },
    ]);
  });

  it('are the truth where there is no transaction', () => {
    expect(alterTransactions([{ amount: 5 }, 'x', null])).toEqual([{ amount: 5 }, 'x', null]);
    expect(alterTransactions({ raw_data: { number: 3 } })).toEqual({ raw_data: { number: 3 } });
  });
});

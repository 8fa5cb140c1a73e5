import { describe, expect, it } from 'vitest';
import { channelIdOf, partitionOf } from '#libs/domain';
import { homePartition, saltFor } from './home-partition.js';
import { Wallet } from './wallet.js';

const domain = { chainId: 1n, vaultAddress: 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8' };

describe('the home partition of a payer', () => {
  it('is that of all channels opened with its salts, whoever is paid', () => {
    const payer = Wallet.generate(domain).address;
    const home = homePartition(payer, 8);
    const partitions = Array.from({ length: 20 }, () => {
      const payee = Wallet.generate(domain).address;
      const salt = saltFor({ payer, payee }, home, 8);
      return partitionOf(channelIdOf(payer, payee, salt), 8);
    });
    expect(new Set(partitions)).toEqual(new Set([home]));
  });

  it('is spread over all partitions by the payers', () => {
    const homes = Array.from({ length: 300 }, () =>
      homePartition(Wallet.generate(domain).address, 8),
    );
    expect(new Set(homes).size).toBe(8);
  });

  it('is one of the ledger’s, which has at least one', () => {
    const { address } = Wallet.generate(domain);
    const ends = { payer: address, payee: address };
    expect(homePartition(address, 1)).toBe(0);
    expect(() => saltFor(ends, 8, 8)).toThrow(RangeError);
    expect(() => saltFor(ends, Number.NaN, 0)).toThrow(RangeError);
  });
});

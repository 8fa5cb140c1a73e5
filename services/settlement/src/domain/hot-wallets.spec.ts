import { expect, it } from 'vitest';
import { formerWallets, newestBlock } from './hot-wallets.js';

const wallets = [
  { address: 'K1', sinceBlock: 0n },
  { address: 'K2', sinceBlock: 100n },
  { address: 'K1', sinceBlock: 200n },
  { address: 'K3', sinceBlock: 300n },
];

it('tells of each former wallet until when it was the hot wallet', () => {
  expect(formerWallets(wallets, 'K3')).toEqual(
    new Map([
      ['K1', 300n],
      ['K2', 200n],
    ]),
  );
  expect(formerWallets(wallets.slice(0, 3), 'K1')).toEqual(new Map([['K2', 200n]]));
  expect(formerWallets(wallets.slice(0, 1), 'K1')).toEqual(new Map());
});

it('believes of a head only what can be', () => {
  expect(newestBlock(100n, 119n)).toBe(119n);
  expect(newestBlock(100n, 10_000n)).toBe(127n);
  expect(newestBlock(100n, 90n)).toBe(100n);
});

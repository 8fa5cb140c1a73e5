import { describe, expect, it } from 'vitest';
import { UsageError } from './options.js';
import { readStack, stackOf } from './stack.js';

const endpoints = {
  ingestGrpc: '127.0.0.1:1',
  balanceGrpc: '127.0.0.1:2',
  auctionGrpc: '127.0.0.1:3',
  settlementGrpc: '127.0.0.1:4',
  tronNodeUrl: 'http://127.0.0.1:5',
};

describe('stackOf', () => {
  it('finds the addresses in what the launcher writes', () => {
    const state = { version: 1, endpoints, network: { chainId: 1, trc20Address: 'T' } };
    expect(stackOf(state)).toMatchObject({ ingest: '127.0.0.1:1', trc20Address: 'T' });
  });

  it('names what is missing', () => {
    expect(() => stackOf({ endpoints })).toThrow('network.trc20Address');
    expect(() => stackOf({ network: {} })).toThrow('endpoints.ingestGrpc');
    expect(() => stackOf(null)).toThrow(UsageError);
    expect(() => readStack('/nowhere/state.json')).toThrow(UsageError);
  });
});

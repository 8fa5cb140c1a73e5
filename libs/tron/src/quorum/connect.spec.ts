import { describe, expect, it } from 'vitest';
import { retryAfterMs } from '../node-provider.js';
import { connectChain, readApiKeys } from './connect.js';

const URLS = ['https://api.trongrid.io', 'https://tron.example:8090/path'];

describe('connectChain', () => {
  it('names nodes by their hosts and refuses one that is named twice', () => {
    const nodes = URLS.map((url) => ({ url, timeoutMs: 1 }));
    const names = connectChain(nodes, { lagMaxMs: 1n }).nodes.map(({ name }) => name);
    expect(names).toEqual(['api.trongrid.io', 'tron.example:8090']);
    const twice = [...nodes, { url: 'https://api.trongrid.io/other', timeoutMs: 1 }];
    expect(() => connectChain(twice, { lagMaxMs: 1n })).toThrow('api.trongrid.io is named twice');
    expect(() => connectChain([], { lagMaxMs: 1n })).toThrow(TypeError);
  });
});

describe('readApiKeys', () => {
  it('gives each host its own header', () => {
    const keys = readApiKeys('# ours\napi.trongrid.io k1\n\ntron.example:8090 x-key k2\n', URLS);
    expect(keys.get(URLS[0] ?? '')).toEqual({ 'TRON-PRO-API-KEY': 'k1' });
    expect(keys.get(URLS[1] ?? '')).toEqual({ 'x-key': 'k2' });
  });

  it('takes a key alone for the only node', () => {
    const [url = ''] = URLS;
    expect(readApiKeys('k1\n', [url]).get(url)).toEqual({ 'TRON-PRO-API-KEY': 'k1' });
  });

  it.each([
    ['a key alone for two nodes', 'topsecret'],
    ['a host that is no node', 'elsewhere.example topsecret'],
    ['too many words', 'api.trongrid.io x-key topsecret more'],
  ])('refuses %s, without the key', (_name, text) => {
    expect(() => readApiKeys(text, URLS)).toThrow('line 1 of the API keys');
    expect(() => readApiKeys(text, URLS)).not.toThrow('topsecret');
  });
});

describe('retryAfterMs', () => {
  it.each([
    ['3', 3_000],
    ['Thu, 01 Jan 1970 00:00:05 GMT', 4_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['31536000', 60_000],
    ['soon', undefined],
    ['-1', undefined],
    ['', undefined],
    [null, undefined],
  ])('reads %s', (header, expected) => {
    expect(retryAfterMs(header, 1_000)).toBe(expected);
  });
});

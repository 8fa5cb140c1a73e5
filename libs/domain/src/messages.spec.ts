import { utils } from 'tronweb';
import { describe, expect, it } from 'vitest';
import { keyPairOf, sign, verify } from '#libs/crypto';
import { addressFromBytes } from './address.js';
import { toHex } from './bytes.js';
import { channelIdOf, Digests, TYPES } from './messages.js';

const domain = {
  chainId: 3_448_148_188n,
  vaultAddress: addressFromBytes(new Uint8Array(20).fill(9)),
};
const digests = new Digests(domain);
const payee = addressFromBytes(new Uint8Array(20).fill(3));
const bytes32 = new Uint8Array(32).fill(5);

/** The digest as tronweb's own typed-data encoder computes it. */
function byTronweb(name: keyof typeof TYPES, message: Record<string, unknown>): string {
  const [, fields = ''] = /\((.*)\)/.exec(TYPES[name]) ?? [];
  const types = fields.split(',').map((field) => {
    const [type = '', fieldName = ''] = field.split(' ');
    return { name: fieldName, type };
  });
  const wrapper = {
    name: 'Swarmledger',
    version: '1',
    chainId: Number(domain.chainId),
    verifyingContract: domain.vaultAddress,
  };
  return utils._TypedDataEncoder.hash(wrapper, { [name]: types }, message).slice(2);
}

describe('signed messages', () => {
  it('hash as TIP-712 does', () => {
    const terms = {
      payer: addressFromBytes(new Uint8Array(20).fill(1)),
      payee,
      depositUnits: 1_000n,
      salt: bytes32,
      validUntilMs: 77n,
    };
    const voucher = { channelId: bytes32, payee, cumulativeUnits: 12n, validUntilMs: 99n };
    const bid = {
      orderId: bytes32,
      swarm: new Uint8Array(20).fill(8),
      slots: 2,
      priceLimitUnits: 5n,
      volumeMib: 6n,
      budgetUnits: 60n,
      expiresAtMs: 7n,
    };
    expect(toHex(digests.voucher(voucher))).toBe(byTronweb('Voucher', voucher));
    expect(toHex(digests.bid(bid))).toBe(byTronweb('Bid', bid));
    expect(toHex(digests.session(payee, 4n))).toBe(
      byTronweb('Session', { account: payee, validUntilMs: 4n }),
    );
    expect(toHex(digests.openChannel(terms))).toBe(
      byTronweb('OpenChannel', {
        ...terms,
        tickChainEnd: new Uint8Array(32),
        tickValueUnits: 0n,
        ticksMax: 0n,
      }),
    );
  });

  it('do not verify under another chain, vault, channel or amount', () => {
    const keys = keyPairOf(new Uint8Array(32).fill(4));
    const voucher = { channelId: bytes32, payee, cumulativeUnits: 12n, validUntilMs: 99n };
    const signature = sign(digests.voucher(voucher), keys.privateKey);
    const others = [
      new Digests({ ...domain, chainId: 1n }).voucher(voucher),
      new Digests({ ...domain, vaultAddress: payee }).voucher(voucher),
      digests.voucher({ ...voucher, cumulativeUnits: 13n }),
      digests.voucher({ ...voucher, channelId: new Uint8Array(32) }),
    ];
    expect(verify(digests.voucher(voucher), signature, keys.publicKey)).toBe(true);
    for (const other of others) expect(verify(other, signature, keys.publicKey)).toBe(false);
  });

  it('give every payer ids of his own', () => {
    const other = addressFromBytes(new Uint8Array(20).fill(2));
    expect(channelIdOf(payee, other, bytes32)).not.toEqual(channelIdOf(other, payee, bytes32));
  });
});

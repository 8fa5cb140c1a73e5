import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressFromBytes } from './address.js';
import { toHex } from './bytes.js';
import {
  type AccountLeaf,
  type ChannelLeaf,
  foldProof,
  leafBytes,
  leafUnits,
  type PayoutLeaf,
  type SumLeaf,
  SumTree,
  verifyLeaf,
} from './liabilities-tree.js';

const bytes = (value: number, length = 32) => new Uint8Array(length).fill(value);
const address = (value: number) => addressFromBytes(bytes(value, 20));
const ACCOUNT: AccountLeaf = { kind: 'account', salt: bytes(1), account: address(2), units: 3n };
const CHANNEL: ChannelLeaf = {
  kind: 'channel',
  salt: bytes(4),
  channelId: bytes(5),
  payer: address(6),
  payee: address(7),
  bookedUnits: 8n,
  remainingUnits: 9n,
};
const PAYOUT: PayoutLeaf = {
  kind: 'payout',
  chainBatchId: bytes(10),
  line: 11,
  payee: address(12),
  units: 13n,
};

const b32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const anyAddress = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(addressFromBytes);
const units = fc.bigInt({ min: 0n, max: 2n ** 53n });
const anyLeaf: fc.Arbitrary<SumLeaf> = fc.oneof(
  fc.record({ kind: fc.constant('account' as const), salt: b32, account: anyAddress, units }),
  fc.record({
    kind: fc.constant('channel' as const),
    salt: b32,
    channelId: b32,
    payer: anyAddress,
    payee: anyAddress,
    bookedUnits: units,
    remainingUnits: units,
  }),
  fc.record({
    kind: fc.constant('payout' as const),
    chainBatchId: b32,
    line: fc.nat(300),
    payee: anyAddress,
    units,
  }),
);
const subject = (leaf: SumLeaf) =>
  leaf.kind === 'account'
    ? leaf.account
    : leaf.kind === 'channel'
      ? toHex(leaf.channelId)
      : `${toHex(leaf.chainBatchId)} ${leaf.line}`;
const anyLeaves = fc.uniqueArray(anyLeaf, { minLength: 1, maxLength: 40, selector: subject });

describe('leafBytes', () => {
  it('lays out each kind as docs/vault.md says', () => {
    const hex = (value: string, times: number) => value.repeat(times);
    expect(toHex(leafBytes(ACCOUNT))).toBe(`00${hex('01', 32)}${hex('02', 20)}0000000000000003`);
    expect(toHex(leafBytes(CHANNEL))).toBe(
      `02${hex('04', 32)}${hex('05', 32)}${hex('06', 20)}${hex('07', 20)}00000000000000080000000000000009`,
    );
    expect(toHex(leafBytes(PAYOUT))).toBe(
      `03${hex('0a', 32)}0000000b${hex('0c', 20)}000000000000000d`,
    );
  });

  it.each<[string, SumLeaf]>([
    ['a debt', { ...ACCOUNT, units: -1n }],
    ['more than 64 bits', { ...ACCOUNT, units: 2n ** 64n }],
    ['a deposit of more than 64 bits', { ...CHANNEL, bookedUnits: 2n ** 64n - 1n }],
    ['a short salt', { ...ACCOUNT, salt: bytes(1, 31) }],
    ['a short channel id', { ...CHANNEL, channelId: bytes(1, 33) }],
    ['a negative line', { ...PAYOUT, line: -1 }],
    ['half a line', { ...PAYOUT, line: 0.5 }],
    ['too high a line', { ...PAYOUT, line: 2 ** 32 }],
  ])('refuses %s', (_what, leaf) => {
    expect(() => leafBytes(leaf)).toThrow(RangeError);
  });
});

describe('SumTree', () => {
  it('has the root of its only leaf', () => {
    const { root, totalUnits } = new SumTree([ACCOUNT]).root;
    expect(totalUnits).toBe(3n);
    expect(new SumTree([ACCOUNT]).prove(ACCOUNT)).toEqual(new Uint8Array());
    expect(verifyLeaf(ACCOUNT, new Uint8Array(), { root, totalUnits })).toBe(true);
  });

  // Fixed for ever: roots on chain were made like this.
  it('has a root that does not change', () => {
    const { root, totalUnits } = new SumTree([ACCOUNT, CHANNEL, PAYOUT]).root;
    expect(totalUnits).toBe(25n);
    expect(toHex(root)).toBe('84288ff11a473ddb0a468443ae942bd118e9926e1cc51e56aeb9e568de73a9fa');
  });

  it.each<[string, SumLeaf[]]>([
    ['no leaves', []],
    ['an account twice', [ACCOUNT, { ...ACCOUNT, salt: bytes(99) }]],
    ['a channel twice', [CHANNEL, { ...CHANNEL, remainingUnits: 1n }]],
    ['a line twice', [PAYOUT, { ...PAYOUT, units: 1n }]],
    [
      'a total beyond 64 bits',
      [
        { ...ACCOUNT, units: 2n ** 63n },
        { ...CHANNEL, remainingUnits: 2n ** 63n },
      ],
    ],
  ])('refuses %s', (_what, leaves) => {
    expect(() => new SumTree(leaves)).toThrow(RangeError);
  });

  it('proves nothing about what is not in it', () => {
    expect(() => new SumTree([ACCOUNT]).prove(CHANNEL)).toThrow(RangeError);
  });

  it('proves every leaf, sums all of them, and depends on no order', () => {
    fc.assert(
      fc.property(anyLeaves, (leaves) => {
        const tree = new SumTree(leaves);
        expect(tree.root.totalUnits).toBe(leaves.reduce((sum, leaf) => sum + leafUnits(leaf), 0n));
        for (const leaf of leaves) {
          expect(verifyLeaf(leaf, tree.prove(leaf), tree.root)).toBe(true);
        }
        expect(new SumTree([...leaves].reverse()).root).toEqual(tree.root);
      }),
      { numRuns: 60 },
    );
  });

  it('proves nothing once a bit of leaf, proof, root or total is another', () => {
    fc.assert(
      fc.property(anyLeaves, fc.nat(), fc.nat(), (leaves, pick, bit) => {
        const tree = new SumTree(leaves);
        const leaf = leaves[pick % leaves.length] as SumLeaf;
        const [leafText, proof, { root, totalUnits }] = [
          leafBytes(leaf),
          tree.prove(leaf),
          tree.root,
        ];
        const holds = (l: Uint8Array, p: Uint8Array, r: Uint8Array) => {
          const reached = foldProof(l, p);
          return reached?.totalUnits === totalUnits && toHex(reached.root) === toHex(r);
        };
        expect(holds(leafText, proof, root)).toBe(true);
        expect(holds(flip(leafText, bit), proof, root)).toBe(false);
        if (proof.length > 0) expect(holds(leafText, flip(proof, bit), root)).toBe(false);
        expect(holds(leafText, proof, flip(root, bit))).toBe(false);
        expect(verifyLeaf(leaf, proof, { root, totalUnits: totalUnits + 1n })).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it('cannot be made to prove more than its total', () => {
    // A leaf of 5 beside one of 7 whose sum is written as 1: the root then says 6, and 7 cannot be proven.
    const [five, seven] = [
      { ...ACCOUNT, units: 5n },
      { ...ACCOUNT, account: address(99), units: 7n },
    ];
    const honest = new SumTree([five, seven]);
    const step = honest.prove(five);
    const lied = Uint8Array.from(step);
    lied[40] = 1;
    const root = foldProof(leafBytes(five), lied);
    expect(root?.totalUnits).toBe(6n);
    expect(verifyLeaf(five, lied, root!)).toBe(true);
    expect(verifyLeaf(seven, honest.prove(seven), root!)).toBe(false);
  });
});

describe('foldProof', () => {
  const leaf = leafBytes(ACCOUNT);
  const step = (side: number, sum = 0n) => {
    const bytes41 = new Uint8Array(41);
    bytes41[0] = side;
    new DataView(bytes41.buffer).setBigUint64(33, sum);
    return bytes41;
  };
  it.each<[string, Uint8Array]>([
    ['half a step', new Uint8Array(40)],
    ['a step and a byte', new Uint8Array(42)],
    ['a third side', step(2)],
    ['a sum that wraps around', step(0, 2n ** 64n - 1n)],
    ['more levels than any tree has', new Uint8Array(65 * 41)],
  ])('refuses %s', (_what, proof) => {
    expect(foldProof(leaf, proof)).toBeUndefined();
  });

  it('refuses what is too short for a sum', () => {
    expect(foldProof(new Uint8Array(7), new Uint8Array())).toBeUndefined();
  });
});

function flip(original: Uint8Array, bit: number): Uint8Array {
  const changed = Uint8Array.from(original);
  const at = bit % (changed.length * 8);
  changed[at >> 3] = (changed[at >> 3] ?? 0) ^ (1 << (at & 7));
  return changed;
}

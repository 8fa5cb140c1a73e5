import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addressFromBytes, fromHex, leafBytes, type SumLeaf, SumTree, toHex } from '#libs/domain';
import { ARTIFACTS } from '../contracts/src/artifacts.js';

// docs/vault.md is what people build proofs by, and what they decide by whether to trust the contract.

const text = readFileSync(new URL('../docs/vault.md', import.meta.url), 'utf8');

type Example = {
  readonly leaves: readonly string[];
  readonly root: string;
  readonly totalUnits: string;
};
const example = JSON.parse(/^```json\n([\s\S]*?)^```/m.exec(text)?.[1] ?? '{}') as Example;

/** Reads a leaf back from its bytes, as docs/vault.md lays it out. */
function leafOf(hex: string): SumLeaf {
  const bytes = fromHex(hex);
  let at = 1;
  const take = (length: number) => {
    at += length;
    return bytes.slice(at - length, at);
  };
  const address = () => addressFromBytes(take(20));
  const units = () => BigInt(`0x${toHex(take(8))}`);
  switch (bytes[0]) {
    case 0:
      return { kind: 'account', salt: take(32), account: address(), units: units() };
    case 2: {
      const [salt, channelId] = [take(32), take(32)];
      const [payer, payee] = [address(), address()];
      const [bookedUnits, remainingUnits] = [units(), units()];
      return { kind: 'channel', salt, channelId, payer, payee, bookedUnits, remainingUnits };
    }
    case 3: {
      const chainBatchId = take(32);
      const line = Number(`0x${toHex(take(4))}`);
      return { kind: 'payout', chainBatchId, line, payee: address(), units: units() };
    }
    default:
      throw new Error(`no leaf begins with ${bytes[0]}`);
  }
}

describe('docs/vault.md', () => {
  it('lays out leaves as the code does, and names their root', () => {
    const leaves = example.leaves.map(leafOf);
    expect(leaves.map((leaf) => `0x${toHex(leafBytes(leaf))}`)).toEqual(example.leaves);
    const { root, totalUnits } = new SumTree(leaves).root;
    expect(`0x${toHex(root)}`).toBe(example.root);
    expect(totalUnits.toString()).toBe(example.totalUnits);
  });

  it('names every function of the contract that changes anything', () => {
    const changing = ARTIFACTS.Vault.abi.filter(
      (entry) => entry.type === 'function' && entry.stateMutability === 'nonpayable',
    );
    const names = changing.map((entry) => String('name' in entry ? entry.name : ''));
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !text.includes(`\`${name}`))).toEqual([]);
  });
});

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { BlockRef, ChainResources, TronChain } from '../chain.js';
import { TronNodeError } from '../errors.js';
import type { NodeReport } from './node-pool.js';
import { QuorumChain } from './quorum-chain.js';

/** A node that answers what a test tells it to; a failure is thrown. */
type Said = Partial<Record<keyof TronChain, unknown>>;

const ADDRESS = 'TYj8Gs9Bx3hqFN9Pd3D6HauoeWUGfSCQoa';
const ref = (number: bigint, id = `${number}`, timestampMs = number): BlockRef => ({
  number,
  id,
  timestampMs,
});
const down = (failure: TronNodeError['failure'] = 'unreachable', retryAfterMs?: number) =>
  new TronNodeError(failure, `it is ${failure}`, { retryAfterMs });

function setUp(...nodes: Said[]) {
  let nowMs = 1_000;
  const asked: string[] = [];
  const hooks = { onSleep: () => {} };
  const chainOf = (name: string, said: Said) =>
    new Proxy({} as TronChain, {
      get: (_target, method) => async () => {
        asked.push(name);
        const value = said[method as keyof TronChain];
        if (value instanceof Error) throw value;
        return value;
      },
    });
  const quorum = new QuorumChain(
    nodes.map((said, at) => {
      const name = 'abcd'[at] ?? '';
      return { name, chain: chainOf(name, said) };
    }),
    { lagMaxMs: 20n },
    { nowMs: () => nowMs, sleep: () => nextTurn().then(() => hooks.onSleep()) },
  );
  const wait = (ms: number) => {
    nowMs += ms;
  };
  const states = () => quorum.nodes.map(({ state }: NodeReport) => state);
  return { quorum, asked, wait, states, hooks };
}

describe('facts that never change', () => {
  it('are believed when two nodes tell them', async () => {
    const { quorum } = setUp({ solidBlock: ref(7n) }, { solidBlock: ref(7n) });
    expect(await quorum.solidBlock(7n)).toEqual(ref(7n));
    expect(quorum.disagreement).toBeUndefined();
  });

  it('are believed of one node alone only when the block proves itself', async () => {
    const proven = setUp({ solidBlock: { ...ref(7n), isProven: true } });
    expect(await proven.quorum.solidBlock(7n)).toEqual(ref(7n));
    const block = { ...ref(7n), isProven: false };
    await expect(setUp({ solidBlock: block }).quorum.solidBlock(7n)).rejects.toMatchObject({
      failure: 'contradiction',
    });
    // What one of two cannot prove from its JSON the other confirms.
    const two = setUp({ solidBlock: block }, { solidBlock: { ...ref(7n), isProven: true } });
    expect(await two.quorum.solidBlock(7n)).toEqual(ref(7n));
  });

  it('stop everything when any node says otherwise, until they agree again', async () => {
    const liar: Said = { solidBlock: ref(7n, 'lie') };
    const { quorum } = setUp({ solidBlock: ref(7n) }, liar, { solidBlock: ref(7n) });
    await expect(quorum.solidBlock(7n)).rejects.toMatchObject({
      failure: 'disagreement',
      message: 'the TRON nodes disagree about block 7: a and c against b',
    });
    expect(quorum.disagreement).toContain('a and c against b');
    liar.solidBlock = ref(7n);
    await quorum.solidBlock(7n);
    expect(quorum.disagreement).toBeUndefined();
  });

  it('forget a disagreement whose question does not come back', async () => {
    const { quorum, wait } = setUp({ solidRef: ref(7n) }, { solidRef: ref(7n, 'lie') });
    await expect(quorum.solidRef(7n)).rejects.toThrow('block 7');
    expect(quorum.disagreement).toBeDefined();
    wait(61_000);
    expect(quorum.disagreement).toBeUndefined();
  });

  it('are not there yet while no node has them, and wait for the second node', async () => {
    const late: Said = {};
    const first: Said = {};
    const { quorum } = setUp(first, late);
    expect(await quorum.solidBlock(7n)).toBeUndefined();
    first.solidBlock = ref(7n);
    await expect(quorum.solidBlock(7n)).rejects.toMatchObject({ failure: 'stale' });
    late.solidBlock = ref(7n);
    expect(await quorum.solidBlock(7n)).toEqual(ref(7n));
  });

  it('include the chain and, as of now, the permissions', async () => {
    const { quorum } = setUp(
      { chainId: 1n, headPermissions: { owner: undefined, actives: [] } },
      { chainId: 2n, headPermissions: undefined },
    );
    await expect(quorum.chainId()).rejects.toThrow('disagree about the chain');
    await expect(quorum.headPermissions(ADDRESS)).rejects.toThrow(`permissions of ${ADDRESS}`);
  });
});

describe('the state', () => {
  it('may differ while a node is a block behind', async () => {
    const late: Said = { view: Uint8Array.of(1) };
    const { quorum, hooks } = setUp({ view: Uint8Array.of(2) }, late);
    hooks.onSleep = () => {
      late.view = Uint8Array.of(2);
    };
    expect(await quorum.view(ADDRESS, new Uint8Array())).toEqual(Uint8Array.of(2));
  });

  it('is a disagreement when it keeps differing', async () => {
    const { quorum } = setUp({ view: Uint8Array.of(1) }, { view: Uint8Array.of(2) });
    await expect(quorum.view(ADDRESS, new Uint8Array())).rejects.toMatchObject({
      failure: 'disagreement',
    });
    expect(quorum.disagreement).toContain(`contract ${ADDRESS}`);
  });

  it('is what two of three say; the third is named', async () => {
    const { quorum, states } = setUp(
      { account: { trxSun: 5n } },
      { account: { trxSun: 6n } },
      { account: { trxSun: 5n } },
    );
    expect(await quorum.account(ADDRESS)).toEqual({ trxSun: 5n });
    expect(quorum.disagreement).toBeUndefined();
    expect(states()).toEqual(['ok', 'dissenting', 'ok']);
  });

  it('may be a refusal on which they agree', async () => {
    const { quorum } = setUp({ view: down('refused') }, { view: down('refused') });
    await expect(quorum.view(ADDRESS, new Uint8Array())).rejects.toMatchObject({
      failure: 'refused',
    });
  });

  it('is never taken from one node of two', async () => {
    const { quorum } = setUp({ account: { trxSun: 5n } }, { account: down('timeout') });
    await expect(quorum.account(ADDRESS)).rejects.toMatchObject({ failure: 'timeout' });
    await expect(quorum.account(ADDRESS)).rejects.toThrow('b (timeout)');
  });
});

describe('heads', () => {
  it('are the lowest of those that keep pace', async () => {
    const { quorum, states } = setUp({ head: ref(100n) }, { head: ref(95n) }, { head: ref(40n) });
    expect((await quorum.head()).number).toBe(95n);
    expect(states()).toEqual(['ok', 'ok', 'behind']);
  });

  it('do not follow a node that invents time', async () => {
    const { quorum } = setUp({ head: ref(100n) }, { head: ref(90_000n) }, { head: ref(99n) });
    expect((await quorum.head()).number).toBe(99n);
  });

  it('stop when two nodes are too far apart, and say so', async () => {
    const { quorum } = setUp({ head: ref(100n) }, { head: ref(40n) });
    await expect(quorum.head()).rejects.toMatchObject({ failure: 'stale' });
    await expect(quorum.head()).rejects.toThrow(/a at 1970.*b at 1970/);
  });

  it('leave a node out of other questions while it is behind', async () => {
    const stale: Said = { head: ref(40n), account: { trxSun: 9n } };
    const { quorum, asked, states } = setUp(
      { head: ref(100n), account: { trxSun: 5n } },
      { head: ref(100n), account: { trxSun: 5n } },
      stale,
    );
    await quorum.head();
    asked.length = 0;
    await quorum.account(ADDRESS);
    expect(asked).toEqual(['a', 'b']);
    stale.head = ref(100n);
    await quorum.head();
    expect(states()).toEqual(['ok', 'ok', 'ok']);
  });

  it('are solidified only when a second node has that very block', async () => {
    const other: Said = { solidHead: ref(12n), solidRef: ref(10n) };
    const { quorum } = setUp({ solidHead: ref(10n), solidRef: ref(10n) }, other);
    expect(await quorum.solidHead()).toEqual(ref(10n));
    other.solidRef = ref(10n, 'lie');
    await expect(quorum.solidHead()).rejects.toThrow('solidified blocks');
    other.solidHead = ref(10n, 'lie');
    await expect(quorum.solidHead()).rejects.toThrow('solidified blocks');
    other.solidHead = ref(10n);
    await quorum.solidHead();
    expect(quorum.disagreement).toBeUndefined();
  });
});

describe('what may still change', () => {
  it('is in a block only when two nodes say so', async () => {
    const included = { blockNumber: 5n, result: 'SUCCESS' };
    const lies = setUp({ inclusion: included }, { inclusion: undefined });
    expect(await lies.quorum.inclusion('00')).toBeUndefined();
    const truth = setUp({ inclusion: included }, { inclusion: included }, { inclusion: undefined });
    expect(await truth.quorum.inclusion('00')).toEqual(included);
  });

  it('is solidified when any node says so, and not known to be dead by one node alone', async () => {
    const { quorum } = setUp({ isSolidified: false }, { isSolidified: true });
    expect(await quorum.isSolidified('00')).toBe(true);
    const half = setUp({ isSolidified: false }, { isSolidified: down() });
    await expect(half.quorum.isSolidified('00')).rejects.toThrow('b (unreachable)');
  });

  it('leaves the least resources', async () => {
    const resources = (energyLeft: bigint, bandwidthLeft: bigint): ChainResources => ({
      energyLeft,
      bandwidthLeft,
      freeBandwidthLeft: 1n,
    });
    const { quorum } = setUp({ resources: resources(5n, 9n) }, { resources: resources(7n, 8n) });
    expect(await quorum.resources(ADDRESS)).toEqual(resources(5n, 8n));
  });
});

describe('a broadcast', () => {
  const refusal = (code: string) => ({ accepted: false, code, message: '' });

  it('goes to all nodes and is accepted when one accepts', async () => {
    const { quorum, asked } = setUp(
      { broadcast: refusal('SERVER_BUSY') },
      { broadcast: { accepted: true } },
      { broadcast: down() },
    );
    expect(await quorum.broadcast('00')).toEqual({ accepted: true });
    expect(asked).toEqual(['a', 'b', 'c']);
  });

  it('is refused for its content only when enough nodes say just that', async () => {
    const invalid = refusal('CONTRACT_VALIDATE_ERROR');
    const both = setUp({ broadcast: invalid }, { broadcast: invalid });
    expect(await both.quorum.broadcast('00')).toEqual(invalid);
    const one = setUp({ broadcast: invalid }, { broadcast: down() });
    await expect(one.quorum.broadcast('00')).rejects.toThrow('b (unreachable)');
    const mixed = setUp({ broadcast: invalid }, { broadcast: refusal('TAPOS_ERROR') });
    expect(await mixed.quorum.broadcast('00')).toMatchObject({ code: 'MIXED' });
  });
});

describe('nodes that fail', () => {
  it('are left alone for a while that grows, and are welcome back', async () => {
    const third: Said = { chainId: down() };
    const { quorum, asked, wait, states } = setUp({ chainId: 1n }, { chainId: 1n }, third);
    await quorum.chainId();
    expect(states()).toEqual(['ok', 'ok', 'resting']);
    asked.length = 0;
    await quorum.chainId();
    expect(asked).toEqual(['a', 'b']);
    wait(1_000);
    third.chainId = 1n;
    await quorum.chainId();
    expect(asked).toContain('c');
    expect(states()).toEqual(['ok', 'ok', 'ok']);
  });

  it('are asked all the same when too few others are left', async () => {
    const second: Said = { chainId: down() };
    const { quorum } = setUp({ chainId: 1n }, second);
    await expect(quorum.chainId()).rejects.toThrow('b (unreachable)');
    second.chainId = 1n;
    expect(await quorum.chainId()).toBe(1n);
  });

  it('are not asked before the time that they named', async () => {
    const second: Said = { chainId: down('overloaded', 5_000) };
    const { quorum, asked, wait } = setUp({ chainId: 1n }, second);
    await expect(quorum.chainId()).rejects.toThrow('b (overloaded)');
    asked.length = 0;
    await expect(quorum.chainId()).rejects.toThrow('b (overloaded)');
    expect(asked).toEqual(['a']);
    second.chainId = 1n;
    wait(5_000);
    expect(await quorum.chainId()).toBe(1n);
  });

  it('do not hide errors of ours', async () => {
    const { quorum } = setUp({ chainId: new TypeError('a bug') }, { chainId: 1n });
    await expect(quorum.chainId()).rejects.toThrow('a bug');
  });

  it('speak for themselves when there is but one', async () => {
    const only: Said = { chainId: down('timeout') };
    const { quorum } = setUp(only);
    await expect(quorum.chainId()).rejects.toBe(only.chainId);
    only.chainId = 1n;
    expect(await quorum.chainId()).toBe(1n);
  });
});

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AccountLeaf,
  type ChannelLeaf,
  channelIdOf,
  leafBytes,
  type PayoutLeaf,
  SumTree,
} from '#libs/domain';
import { abiAddress, payBatchData } from '#libs/tron';
import { DAY_S, hex, id32, keyOf, person, proven, UNIT, VaultBench } from './vault.kit.js';

// Random ledgers, random funds and random moves of everybody, good and bad, in random order. Whatever they do: nobody
// takes more than the leaves and vouchers give, the vault never pays more than it has, and the reserve is not touched.

let bench: VaultBench;
let next = 500_000;
beforeAll(async () => {
  bench = await VaultBench.start();
});
afterAll(() => bench.stop());

type Move =
  | { readonly do: 'exit' | 'payout' | 'file' | 'settle' | 'claim'; readonly at: number }
  | { readonly do: 'voucher'; readonly at: number; readonly units: bigint }
  | { readonly do: 'collect'; readonly at: number }
  | { readonly do: 'pass'; readonly days: number }
  | { readonly do: 'fill'; readonly units: bigint }
  | { readonly do: 'surplus' | 'release' };
const at = fc.nat(3);
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('exit' as const, 'payout' as const), at }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('voucher' as const),
      at,
      units: fc.bigInt({ min: 0n, max: 250n }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('file' as const, 'settle' as const, 'claim' as const, 'collect' as const),
      at,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      days: fc.constantFrom(1, 4, 60, 181),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('fill' as const),
      units: fc.bigInt({ min: 1n, max: 200n }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('surplus' as const, 'release' as const) }),
  },
);

const amount = fc.bigInt({ min: 0n, max: 200n });
const ledger = fc.record({
  accounts: fc.array(amount, { minLength: 1, maxLength: 4 }),
  channels: fc.array(fc.tuple(amount, amount), { minLength: 1, maxLength: 3 }),
  payouts: fc.array(amount, { minLength: 1, maxLength: 3 }),
  claims: fc.array(fc.bigInt({ min: 1n, max: 50n }), { minLength: 1, maxLength: 3 }),
  /** Of what is owed, in percent. */
  funded: fc.constantFrom(0n, 35n, 99n, 100n, 140n),
  executed: fc.boolean(),
});

type LedgerWorld = typeof ledger extends fc.Arbitrary<infer T> ? T : never;

function build(world: LedgerWorld) {
  next += 100;
  const seed = next;
  const accounts = world.accounts.map(
    (units, n): AccountLeaf => ({
      kind: 'account',
      salt: id32(`${seed} ${n}`),
      account: person(seed + n),
      units,
    }),
  );
  const channels = world.channels.map(([bookedUnits, remainingUnits], n): ChannelLeaf => {
    const [payer, payee] = [person(seed + 20 + n), person(seed + 30 + n)];
    const channelId = channelIdOf(payer, payee, id32(`${seed}`));
    const salt = id32(`channel ${seed} ${n}`);
    return { kind: 'channel', salt, channelId, payer, payee, bookedUnits, remainingUnits };
  });
  const lines = (name: string, amounts: readonly bigint[], from: number) =>
    amounts.map(
      (units, line): PayoutLeaf => ({
        kind: 'payout',
        chainBatchId: id32(`${name} ${seed}`),
        line,
        payee: person(seed + from + line),
        units,
      }),
    );
  const payouts = lines('batch', world.payouts, 40);
  const claims = lines('claims', world.claims, 50);
  return { seed, accounts, channels, payouts, claims };
}

describe('the exit game', () => {
  it('ends with everybody within their rights', async () => {
    await fc.assert(
      fc.asyncProperty(ledger, fc.array(move, { minLength: 12, maxLength: 30 }), play),
      { numRuns: 12, endOnFailure: true },
    );
  }, 300_000);
});

async function play(world: LedgerWorld, moves: readonly Move[]): Promise<void> {
  const { seed, accounts, channels, payouts, claims } = build(world);
  const tree = new SumTree([...accounts, ...channels, ...payouts]);
  const claimTree = new SumTree(claims);
  const { totalUnits } = tree.root;
  const funds = (totalUnits * world.funded) / 100n;
  const vault = await bench.vault(funds + claimTree.root.totalUnits + 200n * 3n);
  await bench.commit(vault, 1n, tree.root);
  const commitClaims = 'commitClaims(bytes32,bytes32,uint64,uint40)';
  const claimBatch = hex(claims[0]?.chainBatchId ?? new Uint8Array());
  await bench.call(bench.operator, vault, commitClaims, [
    claimBatch,
    hex(claimTree.root.root),
    claimTree.root.totalUnits,
    bench.nowS + 40 * DAY_S,
  ]);
  const batchId = payouts[0]?.chainBatchId ?? new Uint8Array();
  if (world.executed) {
    const batch = payouts.map(({ payee, units }) => ({ to: payee, amountBaseUnits: units * UNIT }));
    const paid = await bench.send(bench.operator, vault, payBatchData(batchId, batch));
    expect(paid.result).toBe('SUCCESS');
  }
  // What is beyond the share wanted goes away, so that the vault is as short as it is meant to be.
  const spare = (await bench.balance(vault)) - (funds + claimTree.root.totalUnits) * UNIT;
  const away = [{ to: person(1), amountBaseUnits: spare }];
  await bench.send(bench.operator, vault, payBatchData(id32(`away ${seed}`), away));
  await bench.open(vault);

  const people = [
    ...accounts.map(({ account }) => account),
    ...channels.flatMap(({ payer, payee }) => [payer, payee]),
    ...payouts.map(({ payee }) => payee),
  ];
  const before = new Map<string, bigint>();
  for (const who of people) before.set(who, await bench.balance(who));
  const shown = channels.map(({ bookedUnits }) => bookedUnits);
  let filled = 0n;
  for (const step of moves) {
    await act(step);
    const [, reserved] = await bench.view(vault, 'status');
    expect(await bench.balance(vault)).toBeGreaterThanOrEqual(reserved as bigint);
  }
  await expectRights();

  async function act(step: Move): Promise<void> {
    const call = (signature: string, values: readonly unknown[], from = bench.stranger) =>
      bench.call(from, vault, signature, values);
    switch (step.do) {
      case 'exit':
        await call('exitAccount(bytes,bytes)', proven(tree, pick(accounts, step.at)));
        return;
      case 'payout':
        await call('exitPayout(bytes,bytes)', proven(tree, pick(payouts, step.at)));
        return;
      case 'claim':
        await call('claim(bytes,bytes)', proven(claimTree, pick(claims, step.at)));
        return;
      case 'file': {
        const number = step.at % channels.length;
        const payer = await bench.wallet(seed + 20 + number);
        await call('fileChannel(bytes,bytes)', proven(tree, pick(channels, number)), payer);
        return;
      }
      case 'settle':
        await call('settleChannel(bytes)', [hex(leafBytes(pick(channels, step.at)))]);
        return;
      case 'voucher':
        await redeem(step.at % channels.length, step.units);
        return;
      case 'collect':
        await call('collect(address)', [abiAddress(pick(people, step.at * 3))]);
        return;
      case 'pass':
        await bench.pass(step.days * DAY_S);
        return;
      case 'fill':
        filled += step.units;
        await bench.fill(vault, step.units);
        return;
      case 'surplus':
        await call('takeSurplus(address)', [abiAddress(person(2))], bench.faucet);
        return;
      case 'release':
        await call('releaseClaims(bytes32)', [claimBatch]);
    }
  }

  async function redeem(number: number, cumulativeUnits: bigint): Promise<void> {
    const leaf = pick(channels, number);
    const claim = {
      channelId: leaf.channelId,
      payee: leaf.payee,
      cumulativeUnits,
      validUntilMs: 2n ** 60n,
    };
    const voucher = bench.voucher(vault, claim, keyOf(seed + 20 + number).privateKey);
    const signature = 'redeemVoucher(bytes,bytes,uint256,uint256,bytes32,bytes32)';
    const done = await bench.call(bench.stranger, vault, signature, [
      ...proven(tree, leaf),
      ...voucher,
    ]);
    if (done.result !== 'SUCCESS') return;
    const depositUnits = leaf.bookedUnits + leaf.remainingUnits;
    const capped = cumulativeUnits < depositUnits ? cumulativeUnits : depositUnits;
    expect(capped).toBeGreaterThan(shown[number] ?? 0n);
    shown[number] = capped;
  }

  async function expectRights(): Promise<void> {
    const taken = async (who: string) => (await bench.balance(who)) - (before.get(who) ?? 0n);
    let all = 0n;
    for (const { account, units } of accounts) {
      const got = await taken(account);
      expect(got).toBeLessThanOrEqual(units * UNIT);
      all += got;
    }
    for (const [number, leaf] of channels.entries()) {
      const [toPayer, toPayee] = [await taken(leaf.payer), await taken(leaf.payee)];
      const owed = (shown[number] ?? 0n) - leaf.bookedUnits;
      expect(toPayee).toBeLessThanOrEqual(owed * UNIT);
      expect(toPayer).toBeLessThanOrEqual((leaf.remainingUnits - owed) * UNIT);
      all += toPayer + toPayee;
    }
    for (const { payee, units } of payouts) {
      const got = await taken(payee);
      expect(got).toBeLessThanOrEqual(world.executed ? 0n : units * UNIT);
      all += got;
    }
    const there = funds + claimTree.root.totalUnits + filled;
    expect(all).toBeLessThanOrEqual(there * UNIT);
  }
}

function pick<T>(list: readonly T[], at: number): T {
  return list[at % list.length] as T;
}

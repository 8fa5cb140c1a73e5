import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressBytes, baseUnits } from '#libs/domain';
import { abiAddress, callData, payBatchData } from '#libs/tron';
import { hex, id32, person, plain, UNIT, VaultBench } from './vault.kit.js';

let bench: VaultBench;
let vault: string;
beforeAll(async () => {
  bench = await VaultBench.start();
  vault = await bench.vault(1_000_000n);
});
afterAll(() => bench.stop());

const payouts = (count: number, amountBaseUnits = UNIT, first = 1_000) =>
  Array.from({ length: count }, (_, at) => ({ to: person(first + at), amountBaseUnits }));
const payBatch = (
  at: string,
  name: string,
  list: ReturnType<typeof payouts>,
  from = bench.operator,
) => bench.send(from, at, payBatchData(id32(name), list));
const executedIn = async (at: string, name: string) =>
  (await bench.view(at, 'executedIn', [hex(id32(name))]))[0];

describe('payBatch', () => {
  it('pays everybody once and refuses the same batch id for ever', async () => {
    const paid = await payBatch(vault, 'first', payouts(3));
    expect(paid.events).toEqual([
      { name: 'BatchPaid', values: [hex(id32('first')), 3n, 3n * UNIT] },
    ]);
    expect(await bench.balance(person(1_002))).toBe(UNIT);
    expect(await executedIn(vault, 'first')).toBe(BigInt(bench.devchain.headNumber));
    expect(await payBatch(vault, 'first', payouts(3))).toMatchObject({
      result: 'REVERT',
      error: 'AlreadyExecuted',
    });
    // Not even for other payees.
    expect(await payBatch(vault, 'first', payouts(1, UNIT, 1_900))).toMatchObject({
      error: 'AlreadyExecuted',
    });
    expect(await bench.balance(person(1_000))).toBe(UNIT);
  });

  it.each([
    ['anybody but the operator', 'NotOperator', () => bench.stranger, 1, UNIT],
    ['the owner, too', 'NotOperator', () => bench.faucet, 1, UNIT],
    ['nobody to pay', 'RecipientsOutOfBounds', () => bench.operator, 0, UNIT],
    ['too many to pay', 'RecipientsOutOfBounds', () => bench.operator, 201, 1n],
    ['more than the vault holds', 'FundsShort', () => bench.operator, 2, 600_000n * UNIT],
  ])('refuses %s and pays nobody', async (name, error, from, count, amount) => {
    const refused = await payBatch(vault, name, payouts(count, amount, 2_000), from());
    expect(refused).toMatchObject({ result: 'REVERT', error, events: [] });
    expect(await bench.balance(person(2_000))).toBe(0n);
    expect(await executedIn(vault, name)).toBe(0n);
  });

  it('refuses the zero batch id and lists of different lengths', async () => {
    const zero = await bench.send(
      bench.operator,
      vault,
      payBatchData(new Uint8Array(32), payouts(1)),
    );
    expect(zero.error).toBe('ZeroBatchId');
    const values = [hex(id32('lengths')), [abiAddress(person(1))], [1n, 2n]];
    const uneven = await bench.call(
      bench.operator,
      vault,
      'payBatch(bytes32,address[],uint256[])',
      values,
    );
    expect(uneven.error).toBe('LengthMismatch');
  });

  it('pays the others when some cannot be paid, and says whom it did not', async () => {
    const { token } = bench;
    const list = [
      { to: person(2_100), amountBaseUnits: UNIT },
      { to: vault, amountBaseUnits: UNIT },
      { to: token, amountBaseUnits: UNIT },
      { to: 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb', amountBaseUnits: UNIT },
      { to: person(2_101), amountBaseUnits: 0n },
      { to: person(2_102), amountBaseUnits: 2n * UNIT },
    ];
    const before = await bench.balance(vault);
    const paid = await payBatch(vault, 'some', list);
    const id = hex(id32('some'));
    expect(paid.events).toEqual([
      { name: 'PayoutFailed', values: [id, 1n, expect.stringMatching(plainOf(vault)), UNIT] },
      { name: 'PayoutFailed', values: [id, 2n, expect.stringMatching(plainOf(token)), UNIT] },
      { name: 'PayoutFailed', values: [id, 3n, `0x${'00'.repeat(20)}`, UNIT] },
      { name: 'PayoutFailed', values: [id, 4n, expect.stringMatching(plainOf(person(2_101))), 0n] },
      { name: 'BatchPaid', values: [id, 2n, 3n * UNIT] },
    ]);
    expect(await bench.balance(vault)).toBe(before - 3n * UNIT);
    // What was not paid stays free; the id is used up, so that nobody can be paid by it later.
    expect((await payBatch(vault, 'some', list)).error).toBe('AlreadyExecuted');
  });
});

describe('payBatch with hostile tokens', () => {
  const withToken = async (name: string, supply?: bigint) => {
    const bad = await bench.deployHostile(name, supply);
    return { bad, at: await bench.vault(0n, bad) };
  };

  it('skips payees that the token refuses, in whichever way', async () => {
    const { bad, at } = await withToken('PickyToken', 1_000_000n * UNIT);
    await bench.fill(at, 1_000n, bad);
    for (const how of [1, 2, 3, 4, 5, 6]) {
      const values = [abiAddress(person(3_000 + how)), how];
      await bench.call(bench.faucet, bad, 'refuse(address,uint8)', values);
    }
    const paid = await payBatch(at, 'picky', payouts(8, UNIT, 3_000));
    const failed = paid.events.filter(({ name }) => name === 'PayoutFailed');
    expect(failed.map(({ values }) => values[1])).toEqual([1n, 2n, 3n, 4n, 5n, 6n]);
    expect(paid.events.at(-1)).toEqual({
      name: 'BatchPaid',
      values: [hex(id32('picky')), 2n, 2n * UNIT],
    });
    expect(await bench.balance(at, bad)).toBe(998n * UNIT);
    // One of them burns whatever it gets: it gets 300 000.
    expect(paid.energy).toBeGreaterThan(300_000n);
    expect(paid.energy).toBeLessThan(600_000n);
  });

  it('takes nothing for a yes that is shorter than a word', async () => {
    const { bad, at } = await withToken('PickyToken', 1_000_000n * UNIT);
    await bench.fill(at, 1_000n, bad);
    // The byte after the 31 that come back is one of the payee's: it must not be read as the answer's.
    const to = payouts(2_000, UNIT, 30_000)
      .map((line) => line.to)
      .find((address) => addressBytes(address)[15] === 1)!;
    await bench.call(bench.faucet, bad, 'refuse(address,uint8)', [abiAddress(to), 7]);
    const paid = await payBatch(at, 'short', [{ to, amountBaseUnits: UNIT }]);
    expect(paid.events.map(({ name }) => name)).toEqual(['PayoutFailed', 'BatchPaid']);
  });

  it('undoes all when a payee may have failed for want of energy', async () => {
    const { bad, at } = await withToken('PickyToken', 1_000_000n * UNIT);
    await bench.fill(at, 1_000n, bad);
    await bench.call(bench.faucet, bad, 'refuse(address,uint8)', [abiAddress(person(3_101)), 3]);
    const list = payouts(3, UNIT, 3_100);
    // 250 000 energy: enough to go on, not enough to know.
    const data = payBatchData(id32('thin'), list);
    const thin = await bench.send(bench.operator, at, data, 25_000_000n);
    expect(thin).toMatchObject({ result: 'REVERT', error: 'EnergyShort' });
    expect(await executedIn(at, 'thin')).toBe(0n);
    const ample = await bench.send(bench.operator, at, data);
    expect(ample.events.map(({ name }) => name)).toEqual(['PayoutFailed', 'BatchPaid']);
  });

  it('pays nobody when the token always says false', async () => {
    const { bad, at } = await withToken('FalseToken');
    await bench.fill(at, 5n, bad);
    const paid = await payBatch(at, 'false', payouts(2));
    expect(paid.events.at(-1)?.values).toEqual([hex(id32('false')), 0n, 0n]);
    expect(await bench.balance(at, bad)).toBe(5n * UNIT);
  });

  it('reverts when the token is no contract', async () => {
    const at = await bench.vault(0n, person(77));
    expect((await payBatch(at, 'empty', payouts(1))).result).toBe('REVERT');
    expect(await executedIn(at, 'empty')).toBe(0n);
  });

  it('reverts when the token tells no balance', async () => {
    const at = await bench.vault(0n, await bench.deployHostile('Forwarder'));
    expect((await payBatch(at, 'mute', payouts(1))).result).toBe('REVERT');
    expect(await executedIn(at, 'mute')).toBe(0n);
  });

  it.each([
    ['takes more than it was told', 'GreedyToken'],
    ['says yes and moves nothing', 'LyingToken'],
  ])('reverts when the token %s', async (_how, name) => {
    const { bad, at } = await withToken(name, 1_000n * UNIT);
    await bench.fill(at, 500n, bad);
    if (name === 'LyingToken') await bench.call(bench.faucet, bad, 'lie()');
    const refused = await payBatch(at, name, payouts(2));
    expect(refused).toMatchObject({ result: 'REVERT', error: 'UnexpectedDebit' });
    expect(await bench.balance(at, bad)).toBe(500n * UNIT);
  });

  it('works with a token that returns nothing', async () => {
    const { bad, at } = await withToken('SilentToken', 1_000n * UNIT);
    await bench.fill(at, 500n, bad);
    expect((await payBatch(at, 'silent', payouts(2))).result).toBe('SUCCESS');
    expect(await bench.balance(at, bad)).toBe(498n * UNIT);
  });

  it('cannot be entered again by the token it pays with', async () => {
    const { bad, at } = await withToken('CallbackToken', 1_000n * UNIT);
    await bench.fill(at, 500n, bad);
    await bench.call(bench.faucet, at, 'setOperator(address)', [abiAddress(bad)]);
    const again = payBatchData(id32('inner'), payouts(1, UNIT, 4_000));
    await bench.call(bench.faucet, bad, 'arm(address,bytes)', [abiAddress(at), hex(again)]);
    const outer = payBatchData(id32('outer'), payouts(1, UNIT, 4_001));
    const forwarded = await bench.call(bench.faucet, bad, 'forward(address,bytes)', [
      abiAddress(at),
      hex(outer),
    ]);
    expect(forwarded.result).toBe('SUCCESS');
    expect(await executedIn(at, 'inner')).toBe(0n);
    expect(await bench.balance(person(4_000), bad)).toBe(0n);
    expect(await bench.balance(at, bad)).toBe(499n * UNIT);
  });
});

describe('deposit', () => {
  const account = person(5_000);
  const approve = (token: string, at: string) =>
    bench.call(bench.faucet, token, 'approve(address,uint256)', [abiAddress(at), 10n ** 30n]);
  const deposit = (at: string, to: string, amount: bigint, from = bench.faucet) =>
    bench.call(from, at, 'deposit(address,uint256)', [abiAddress(to), amount]);

  it('takes whole units for an account and says for whom and from whom', async () => {
    await approve(bench.token, vault);
    const before = await bench.balance(vault);
    const amount = baseUnits('TRC20_BTT', 7n);
    const done = await deposit(vault, account, amount);
    expect(done.events).toEqual([
      {
        name: 'Deposited',
        values: [
          expect.stringMatching(plainOf(account)),
          expect.stringMatching(plainOf(bench.faucet.address)),
          amount,
        ],
      },
    ]);
    expect(await bench.balance(vault)).toBe(before + amount);
  });

  it.each([
    ['nothing', 'BadAmount', () => account, 0n],
    ['dust', 'BadAmount', () => account, UNIT + 1n],
    ['an account that is the vault', 'BadAccount', () => vault, UNIT],
    ['an account that is the token', 'BadAccount', () => bench.token, UNIT],
    ['no account', 'BadAccount', () => 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb', UNIT],
    ['more than was approved', 'TransferFailed', () => account, 10n ** 33n],
  ])('refuses %s', async (_what, error, to, amount) => {
    expect(await deposit(vault, to(), amount)).toMatchObject({ result: 'REVERT', error });
  });

  it('refuses what arrives short, and a token that only says yes', async () => {
    const fee = await bench.deployHostile('FeeToken', 1_000n * UNIT);
    const lying = await bench.deployHostile('LyingToken', 1_000n * UNIT);
    await bench.call(bench.faucet, lying, 'lie()');
    for (const token of [fee, lying]) {
      const at = await bench.vault(0n, token);
      expect((await deposit(at, account, UNIT)).error).toBe('UnexpectedCredit');
    }
    const silent = await bench.deployHostile('SilentToken', 1_000n * UNIT);
    const at = await bench.vault(0n, silent);
    expect((await deposit(at, account, UNIT)).result).toBe('SUCCESS');
  });

  it('counts nothing twice when the token deposits while it is asked to move', async () => {
    const bad = await bench.deployHostile('CallbackToken', 1_000n * UNIT);
    const at = await bench.vault(0n, bad);
    await bench.fill(bad, 100n, bad);
    const inner = callData('deposit(address,uint256)', [abiAddress(account), 3n * UNIT]);
    await bench.call(bench.faucet, bad, 'arm(address,bytes)', [abiAddress(at), hex(inner)]);
    const outer = await deposit(at, account, 3n * UNIT);
    expect(outer.events.filter(({ name }) => name === 'Deposited')).toHaveLength(1);
    expect(await bench.balance(at, bad)).toBe(3n * UNIT);
  });
});

function plainOf(address: string): RegExp {
  return new RegExp(plain(address), 'i');
}

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { Asset, type CreditDepositRequest } from '#libs/contracts';
import { SUPPLY_UNITS } from '#libs/domain';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { ledgerKit, reason, value } from './ledger.kit.js';

// Money that came in wrongly told, or for nobody.

let server: TestDatabase;
let kit: ReturnType<typeof ledgerKit>;

beforeAll(async () => {
  server = await freshDatabase();
  kit = ledgerKit(server.url);
});

afterAll(async () => {
  expect((await kit.use.totals.get()).firstDifference).toBe('');
  await kit.database.close();
  await server.drop();
});

const { TRC20_BTT, TRC10_BTTOLD } = Asset;
const report = (change: Partial<CreditDepositRequest> = {}): CreditDepositRequest => ({
  txid: randomBytes(32),
  index: 0,
  asset: TRC10_BTTOLD,
  account: '',
  amountUnits: 42n,
  baseUnits: '42',
  blockNumber: 9n,
  suspense: true,
  ...change,
});
const inSuspense = async () => (await kit.repositories.totals.readAll()).tables.suspense;

describe('a deposit in suspense', () => {
  const booked = async (index = 0) => {
    const deposit = report({ index });
    value(await kit.use.deposits.credit(deposit));
    return deposit;
  };
  const resolve = (deposit: CreditDepositRequest, account: string, amountUnits = 42n) => {
    const { txid, index, asset } = deposit;
    return kit.use.suspense.resolve({ txid, index, asset, account, amountUnits });
  };

  it('goes to an account once, whatever is repeated and whoever asks at the same time', async () => {
    const [owner, other] = [await kit.account(), await kit.account()];
    const deposit = await booked();
    const before = await inSuspense();
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => resolve(deposit, owner.address)),
    );
    expect(answers.map(value).filter((repeated) => !repeated)).toHaveLength(1);
    expect(await kit.available(owner)).toBe(42n);
    expect(before - (await inSuspense())).toBe(42n);
    expect(reason(await resolve(deposit, other.address))).toBe('ID_REUSED');
    expect(await kit.available(other)).toBe(0n);
    // Who has not heard of it reports it as it was, and nothing happens.
    expect(value(await kit.use.deposits.credit(deposit))).toBe(true);
    expect(await kit.available(owner)).toBe(42n);
    expect(before - (await inSuspense())).toBe(42n);
  });

  it('has one owner when two are named at the same time', async () => {
    const owners = [await kit.account(), await kit.account()];
    const deposit = await booked();
    const answers = await Promise.all(owners.map(({ address }) => resolve(deposit, address)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    const balances = await Promise.all(owners.map((owner) => kit.available(owner)));
    expect(balances.reduce((sum, units) => sum + units, 0n)).toBe(42n);
  });

  it('may be for an account that is new', async () => {
    const address = 'TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj';
    expect(value(await resolve(await booked(3), address))).toBe(false);
    expect(await kit.available({ address })).toBe(42n);
  });

  it('is refused when anything about it is wrong, and stays', async () => {
    const owner = await kit.account();
    const deposit = await booked();
    const before = await inSuspense();
    const wrong = {
      ID_REUSED: [
        resolve(deposit, owner.address, 42_000n),
        resolve({ ...deposit, asset: TRC20_BTT }, owner.address),
      ],
      NOT_FOUND: [
        resolve({ ...deposit, txid: randomBytes(32) }, owner.address),
        resolve({ ...deposit, index: 7 }, owner.address),
      ],
      MALFORMED: [
        resolve(deposit, 'nobody'),
        resolve({ ...deposit, txid: randomBytes(31) }, owner.address),
      ],
    };
    for (const [expected, answers] of Object.entries(wrong)) {
      for (const answer of answers) expect(reason(await answer)).toBe(expected);
    }
    expect(await inSuspense()).toBe(before);
    expect(await kit.available(owner)).toBe(0n);
  });

  it('cannot be taken from the balance of somebody whose it always was', async () => {
    const [owner, thief] = [await kit.account(), await kit.account()];
    const deposit = report({ account: owner.address, suspense: false });
    value(await kit.use.deposits.credit(deposit));
    expect(reason(await resolve(deposit, thief.address))).toBe('ID_REUSED');
    expect(reason(await resolve(deposit, owner.address))).toBe('ID_REUSED');
    expect(await kit.available(owner)).toBe(42n);
  });
});

describe('an error of units', () => {
  const trc20 = (units: bigint) => ({
    asset: TRC20_BTT,
    amountUnits: units,
    baseUnits: (units * 10n ** 15n).toString(),
  });

  test.each<[string, Partial<CreditDepositRequest>, string]>([
    ['a thousand times too much', { amountUnits: 42_000n }, 'MALFORMED'],
    ['a thousandth', { ...trc20(42_000n), amountUnits: 42n }, 'MALFORMED'],
    ['base units taken for units', { ...trc20(42n), baseUnits: '42' }, 'MALFORMED'],
    ['the other asset', { ...trc20(42n), asset: TRC10_BTTOLD }, 'MALFORMED'],
    ['an asset that nobody knows', { asset: 7 as Asset }, 'ASSET_UNKNOWN'],
    [
      'one unit more than there are',
      { amountUnits: SUPPLY_UNITS + 1n, baseUnits: `${SUPPLY_UNITS + 1n}` },
      'LIMIT_EXCEEDED',
    ],
    ['no base units', { baseUnits: '' }, 'MALFORMED'],
    ['base units that are no number', { baseUnits: '4.2e1' }, 'MALFORMED'],
    ['base units below zero', { baseUnits: '-42' }, 'MALFORMED'],
    ['more digits than a word of the chain has', { baseUnits: '4'.repeat(79) }, 'MALFORMED'],
  ])('is refused: %s', async (_case, change, expected) => {
    const owner = await kit.account();
    const before = await kit.repositories.totals.readAll();
    for (const suspense of [true, false]) {
      const request = report({ account: owner.address, suspense, ...change });
      expect(reason(await kit.use.deposits.credit(request))).toBe(expected);
    }
    expect(await kit.repositories.totals.readAll()).toEqual(before);
  });

  it('is refused when the reserve would pass the supply, also by two at the same time', async () => {
    const owner = await kit.account();
    const credit = (units: bigint) =>
      kit.use.deposits.credit(report({ account: owner.address, suspense: false, ...trc20(units) }));
    value(await credit(SUPPLY_UNITS - 10n));
    expect(reason(await credit(11n))).toBe('LIMIT_EXCEEDED');
    const both = await Promise.all([credit(6n), credit(6n)]);
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await kit.available(owner)).toBe(SUPPLY_UNITS - 4n);
    value(await credit(4n));
    expect(reason(await credit(1n))).toBe('LIMIT_EXCEEDED');
  });
});

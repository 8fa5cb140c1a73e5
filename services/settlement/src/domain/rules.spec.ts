import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressFromBytes, SUPPLY_UNITS } from '#libs/domain';
import { decodeCursor, decodeDepositCursor, encodeCursor, encodeDepositCursor } from './cursor.js';
import { judgeDeposit } from './deposit.js';
import { admitWithdrawal, afterPlanned } from './intake.js';
import { chainBatchId, type Payable, planBatches } from './plan.js';
import { checkWallet } from './preflight.js';

const address = (byte: number) => addressFromBytes(new Uint8Array(20).fill(byte));
const VAULT = address(1);
const HOT = address(2);
const ALICE = address(3);
const own = new Set([VAULT, HOT]);
const payable = (number: number, change: Partial<Payable> = {}): Payable => ({
  withdrawalId: new Uint8Array(32).fill(number),
  asset: 'TRC20_BTT',
  destination: ALICE,
  units: 5n,
  failures: 0,
  batchMax: null,
  toClaim: false,
  ...change,
});

describe('judgeDeposit', () => {
  const key = { isContract: false };
  const trc20 = (baseUnits: bigint, from = ALICE) =>
    judgeDeposit({ asset: 'TRC20_BTT', from, baseUnits }, key, own);

  it('credits whole units and leaves dust to the vault', () => {
    expect(trc20(10n ** 15n)).toEqual({ kind: 'credit', units: 1n, suspense: false });
    expect(trc20(2n * 10n ** 15n - 1n)).toEqual({ kind: 'credit', units: 1n, suspense: false });
    expect(trc20(10n ** 15n - 1n)).toEqual({ kind: 'dust' });
    expect(judgeDeposit({ asset: 'TRC10_BTTOLD', from: ALICE, baseUnits: 7n }, key, own)).toEqual({
      kind: 'credit',
      units: 7n,
      suspense: false,
    });
  });

  it('keeps aside what nobody holds the key of', () => {
    const contract = { isContract: true };
    const transfer = { asset: 'TRC20_BTT', from: ALICE, baseUnits: 10n ** 15n } as const;
    expect(judgeDeposit(transfer, contract, own)).toMatchObject({ suspense: true });
    expect(trc20(10n ** 15n, address(0))).toMatchObject({ suspense: true });
  });

  it('does not take moving our own funds for a deposit', () => {
    expect(trc20(10n ** 15n, HOT)).toEqual({ kind: 'own' });
    expect(trc20(10n ** 15n, VAULT)).toEqual({ kind: 'own' });
  });

  it('credits the account that a call of the vault names, whoever calls', () => {
    const call = { asset: 'TRC20_BTT', baseUnits: 10n ** 15n } as const;
    const judge = (from: string, account: string, isContract = false) =>
      judgeDeposit({ ...call, from, account }, { isContract }, own);
    const credit = { kind: 'credit', units: 1n, suspense: false };
    expect(judge(HOT, ALICE)).toEqual(credit);
    expect(judge(address(4), ALICE, true)).toEqual(credit);
    expect(judge(ALICE, VAULT)).toMatchObject({ kind: 'hold' });
  });

  it('holds what is more than there can be', () => {
    expect(trc20((SUPPLY_UNITS + 1n) * 10n ** 15n)).toMatchObject({ kind: 'hold', units: 0n });
  });

  it('books nothing of what went to the wrong one of our addresses', () => {
    const misdirected = (baseUnits: bigint, from = ALICE) =>
      judgeDeposit({ asset: 'TRC20_BTT', from, baseUnits, misdirected: true }, key, own).kind;
    expect(misdirected(10n ** 15n)).toBe('misdirect');
    expect(misdirected(10n ** 15n - 1n)).toBe('dust');
    expect(misdirected(10n ** 15n, VAULT)).toBe('own');
  });
});

const within = (recipientsMax: number, approvalUnits = SUPPLY_UNITS) => ({
  recipientsMax,
  approvalUnits,
});

describe('planBatches', () => {
  it('fills vault batches in order and pays TRC-10 one by one', () => {
    const plan = planBatches(
      [payable(1), payable(2, { asset: 'TRC10_BTTOLD' }), payable(3), payable(4)],
      within(2),
    );
    expect(plan.map(({ asset, payouts }) => [asset, payouts.length])).toEqual([
      ['TRC20_BTT', 2],
      ['TRC20_BTT', 1],
      ['TRC10_BTTOLD', 1],
    ]);
    expect(plan.map(({ totalUnits }) => totalUnits)).toEqual([10n, 5n, 5n]);
  });

  it('isolates a payout that was in a failed batch', () => {
    const plan = planBatches([payable(1), payable(2, { failures: 1 }), payable(3)], within(200));
    expect(plan.map(({ payouts }) => payouts.map(({ withdrawalId }) => withdrawalId[0]))).toEqual([
      [1, 3],
      [2],
    ]);
  });

  it('plans payouts of a batch that failed as its halves, and mixes them with no larger batch', () => {
    const halved = (number: number, batchMax: number) => payable(number, { batchMax });
    const plan = planBatches(
      [payable(1), ...[2, 3, 4, 5, 6].map((number) => halved(number, 3)), halved(7, 2), payable(8)],
      within(4),
    );
    expect(plan.map(({ payouts }) => payouts.map(({ withdrawalId }) => withdrawalId[0]))).toEqual([
      [1, 8],
      [2, 3, 4],
      [5, 6],
      [7],
    ]);
    const lowered = planBatches(
      [1, 2, 3].map((number) => halved(number, 100)),
      within(2),
    );
    expect(lowered.map(({ payouts }) => payouts.length)).toEqual([2, 1]);
  });

  it('lets large batches wait, and nobody wait with a payee who is large alone', () => {
    const plan = planBatches(
      [
        payable(1, { units: 10n }),
        payable(2, { units: 4n }),
        payable(3, { units: 5n }),
        payable(4, { units: 6n }),
        payable(5, { asset: 'TRC10_BTTOLD', units: 10n }),
        payable(6, { asset: 'TRC10_BTTOLD', units: 9n }),
      ],
      within(2, 10n),
    );
    const numbers = plan.map(({ payouts, needsApproval }) => [
      payouts.map(({ withdrawalId }) => withdrawalId[0]),
      needsApproval,
    ]);
    expect(numbers).toEqual([
      [[2, 3], false],
      [[4], false],
      [[1], true],
      [[5], true],
      [[6], false],
    ]);
    const shared = planBatches([payable(1, { units: 5n }), payable(2)], within(2, 10n));
    expect(shared.map(({ needsApproval }) => needsApproval)).toEqual([true]);
  });

  it('pays everybody exactly once, whatever comes in', () => {
    const payables = fc.array(
      fc.record({
        asset: fc.constantFrom('TRC20_BTT' as const, 'TRC10_BTTOLD' as const),
        units: fc.bigInt({ min: 1n, max: 10n ** 12n }),
        failures: fc.nat({ max: 2 }),
        batchMax: fc.option(fc.integer({ min: 2, max: 5 }), { nil: null }),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(payables, fc.integer({ min: 1, max: 7 }), (list, max) => {
        const all = list.map((change, at) => payable(at, change));
        const plan = planBatches(all, within(max));
        const paid = plan.flatMap(({ payouts }) => payouts);
        expect(new Set(paid)).toEqual(new Set(all));
        expect(paid).toHaveLength(all.length);
        for (const { asset, payouts, totalUnits } of plan) {
          expect(payouts.length).toBeLessThanOrEqual(asset === 'TRC20_BTT' ? max : 1);
          expect(payouts.every((one) => one.asset === asset)).toBe(true);
          expect(payouts.reduce((sum, { units }) => sum + units, 0n)).toBe(totalUnits);
        }
      }),
    );
    expect(() => planBatches([], within(0))).toThrow(RangeError);
  });

  it('never mixes what is sent and what is claimed', () => {
    const claimed = (number: number, change: Partial<Payable> = {}) =>
      payable(number, { toClaim: true, ...change });
    const all = [claimed(1), payable(2), claimed(3), payable(4), claimed(5, { failures: 1 })];
    const plan = planBatches(all, within(200));
    expect(plan.map(({ payouts, toClaim }) => [payouts.length, toClaim])).toEqual([
      [2, false],
      [2, true],
      [1, true],
    ]);
    for (const { payouts, toClaim } of plan) {
      expect(payouts.every((payout) => payout.toClaim === toClaim)).toBe(true);
    }
  });
});

describe('chainBatchId', () => {
  const vault = { chainId: 1n, address: VAULT };
  const id = (...given: Parameters<typeof chainBatchId>) =>
    Buffer.from(chainBatchId(...given)).toString('hex');

  it('differs with everything that matters and with nothing else', () => {
    const base = id(vault, 1n, [payable(1)]);
    expect(id(vault, 1n, [payable(1, { failures: 2 })])).toBe(base);
    const others = [
      id({ ...vault, chainId: 2n }, 1n, [payable(1)]),
      id({ ...vault, address: HOT }, 1n, [payable(1)]),
      id(vault, 2n, [payable(1)]),
      id(vault, 1n, [payable(2)]),
      id(vault, 1n, [payable(1, { units: 6n })]),
      id(vault, 1n, [payable(1, { destination: HOT })]),
      id(vault, 1n, [payable(1), payable(2)]),
    ];
    expect(new Set([base, ...others]).size).toBe(others.length + 1);
  });
});

describe('checkWallet', () => {
  const self = { threshold: 1n, keys: [{ address: HOT, weight: 1n }] };
  const vault = { paused: false, closedAt: 0n, payoutsUntil: 100n, now: 100n };
  const facts = {
    hotWallet: HOT,
    trxSun: 1n,
    owner: self,
    actives: [self],
    vaultOperator: HOT,
    vault,
  };
  const foreign = { threshold: 1n, keys: [...self.keys, { address: ALICE, weight: 1n }] };

  it('lets a plain wallet sign', () => {
    expect(checkWallet(facts)).toBeUndefined();
    expect(checkWallet({ ...facts, owner: undefined, actives: [] })).toBeUndefined();
  });

  it.each([
    ['an account that does not exist', { trxSun: undefined }, 'does not exist'],
    ['a foreign owner key', { owner: foreign }, 'not its own'],
    ['a foreign active key', { actives: [self, foreign] }, 'not its own'],
    ['a raised threshold', { owner: { ...self, threshold: 2n } }, 'sign alone'],
    ['another operator of the vault', { vaultOperator: ALICE }, 'operator'],
    ['a paused vault', { vault: { ...vault, paused: true } }, 'paused'],
    ['an open exit', { vault: { ...vault, closedAt: 1n } }, 'exit'],
    ['an epoch that is too old', { vault: { ...vault, now: 101n } }, 'too old'],
  ])('stops at %s', (_name, change, words) => {
    expect(checkWallet({ ...facts, ...change })).toContain(words);
  });
});

describe('admitWithdrawal', () => {
  const withdrawal = { state: 1, destination: ALICE, amountUnits: 100n, feeUnits: 3n };

  it('queues what is due, without the fee', () => {
    expect(admitWithdrawal(withdrawal, own)).toEqual({ kind: 'queue', units: 97n });
    expect(admitWithdrawal({ ...withdrawal, state: 2 }, own)).toMatchObject({ kind: 'queue' });
  });

  it('refunds a withdrawal to the ledger itself and holds one that is already being paid', () => {
    expect(admitWithdrawal({ ...withdrawal, destination: VAULT }, own)).toMatchObject({
      kind: 'refund',
    });
    expect(admitWithdrawal({ ...withdrawal, state: 4 }, own)).toMatchObject({ kind: 'hold' });
  });

  it('takes the word of the ledger when planning', () => {
    expect([3, 9, 5, 7, 8].map(afterPlanned)).toEqual([
      'planned',
      'cancelled',
      'held',
      'held',
      'held',
    ]);
  });
});

describe('cursors', () => {
  const key = { blockNumber: 7n, txid: Buffer.alloc(32, 0xab), index: 3 };

  it('come back as they went', () => {
    expect(decodeCursor('batch', encodeCursor('batch', 42n))).toBe(42n);
    expect(decodeCursor('payout', '')).toBe('newest');
    expect(decodeDepositCursor(encodeDepositCursor(key))).toEqual(key);
    expect(decodeDepositCursor('')).toBe('newest');
  });

  it.each([
    'nonsense',
    Buffer.from('batch:-1').toString('base64url'),
    Buffer.from('batch:1\nbatch:2').toString('base64url'),
    Buffer.from(`batch:${'9'.repeat(19)}`).toString('base64url'),
    Buffer.from('deposit:1:ab:0').toString('base64url'),
    encodeCursor('payout', 1n),
  ])('that we did not make for the list are refused: %s', (cursor) => {
    expect(decodeCursor('batch', cursor)).toBeUndefined();
    expect(decodeDepositCursor(cursor)).toBeUndefined();
  });

  it('of deposits are refused elsewhere', () => {
    expect(decodeCursor('batch', encodeDepositCursor(key))).toBeUndefined();
  });
});

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Asset, WithdrawalState } from '#libs/contracts';
import { sign } from '#libs/crypto';
import { SUPPLY_UNITS } from '#libs/domain';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { ledgerKit, reason, value } from './ledger.kit.js';

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

describe('deposits', () => {
  it('credits a transfer once, whatever is repeated', async () => {
    const owner = await kit.account();
    const txid = randomBytes(32);
    expect(value(await kit.deposit(owner.address, 500n, txid))).toBe(false);
    expect(value(await kit.deposit(owner.address, 500n, txid))).toBe(true);
    expect(await kit.available(owner)).toBe(500n);
  });

  it('refuses the same transfer with another amount, an unknown asset and more than the supply', async () => {
    const owner = await kit.account();
    const txid = randomBytes(32);
    value(await kit.deposit(owner.address, 500n, txid));
    expect(reason(await kit.deposit(owner.address, 501n, txid))).toBe('ID_REUSED');
    expect(reason(await kit.deposit(owner.address, SUPPLY_UNITS + 1n))).toBe('LIMIT_EXCEEDED');
    const request = {
      txid: randomBytes(32),
      index: 0,
      asset: Asset.UNSPECIFIED,
      account: owner.address,
      amountUnits: 1n,
      baseUnits: '1',
      blockNumber: 1n,
      suspense: false,
    };
    expect(reason(await kit.use.deposits.credit(request))).toBe('ASSET_UNKNOWN');
    expect(await kit.available(owner)).toBe(500n);
  });

  it('keeps what belongs to nobody in suspense', async () => {
    const before = await kit.repositories.totals.readAll();
    value(
      await kit.use.deposits.credit({
        txid: randomBytes(32),
        index: 0,
        asset: Asset.TRC10_BTTOLD,
        account: '',
        amountUnits: 42n,
        baseUnits: '42',
        blockNumber: 9n,
        suspense: true,
      }),
    );
    const after = await kit.repositories.totals.readAll();
    expect(after.tables.suspense - before.tables.suspense).toBe(42n);
  });

  it('credits once when the same report arrives twenty times at once', async () => {
    const owner = await kit.account();
    const txid = randomBytes(32);
    await Promise.all(Array.from({ length: 20 }, () => kit.deposit(owner.address, 7n, txid)));
    expect(await kit.available(owner)).toBe(7n);
  });
});

describe('transfers', () => {
  it('moves units once per id and refuses the id with other content', async () => {
    const [payer, payee] = [await kit.account(1_000n), await kit.account()];
    const id = randomBytes(32);
    const first = value(await kit.transfer(payer, payee.address, 300n, id));
    kit.time.nowMs += 10n;
    expect(value(await kit.transfer(payer, payee.address, 300n, id))).toBe(first);
    expect(reason(await kit.transfer(payer, payee.address, 301n, id))).toBe('ID_REUSED');
    expect(await kit.available(payer)).toBe(700n);
    expect(await kit.available(payee)).toBe(300n);
  });

  it('never lets concurrent transfers spend more than there is', async () => {
    const payer = await kit.account(1_000n);
    const payees = await Promise.all(Array.from({ length: 12 }, () => kit.account()));
    const results = await Promise.all(
      payees.map((payee) => kit.transfer(payer, payee.address, 300n)),
    );
    expect(results.filter((result) => result.ok)).toHaveLength(3);
    expect(results.filter((r) => !r.ok).map(reason)).toEqual(
      Array.from({ length: 9 }, () => 'INSUFFICIENT_FUNDS'),
    );
    expect(await kit.available(payer)).toBe(100n);
  });

  it('does not deadlock when two accounts pay one another at once', async () => {
    const [a, b] = [await kit.account(10_000n), await kit.account(10_000n)];
    const crossing = Array.from({ length: 30 }, (_, at) =>
      at % 2 === 0 ? kit.transfer(a, b.address, 10n) : kit.transfer(b, a.address, 10n),
    );
    expect((await Promise.all(crossing)).every((result) => result.ok)).toBe(true);
    expect((await kit.available(a)) + (await kit.available(b))).toBe(20_000n);
  });

  it('refuses strangers, foreign signatures, expired and malformed requests', async () => {
    const [payer, payee, thief] = await Promise.all([
      kit.account(10n),
      kit.account(),
      kit.account(),
    ]);
    const message = {
      transferId: randomBytes(32),
      payee: payee.address,
      amountUnits: 1n,
      validUntilMs: kit.time.nowMs + 1_000n,
    };
    const send = (change: object, key = payer.privateKey) => {
      const changed = { ...message, ...change };
      const signature = Buffer.from(sign(kit.digests.transfer(changed), key));
      return kit.use.transfers.transfer({ ...changed, payer: payer.address, signature });
    };
    expect(reason(await send({}, thief.privateKey))).toBe('BAD_SIGNATURE');
    expect(reason(await send({ validUntilMs: kit.time.nowMs - 1n }))).toBe('EXPIRED');
    expect(reason(await send({ amountUnits: 0n }))).toBe('MALFORMED');
    expect(reason(await send({ payee: payer.address }))).toBe('MALFORMED');
    expect(reason(await send({ validUntilMs: kit.time.nowMs + 10n ** 12n }))).toBe('MALFORMED');
  });
});

describe('channels', () => {
  it('locks the deposit once and returns the first result to a repeat', async () => {
    const [payer, payee] = [await kit.account(1_000n), await kit.account()];
    const request = kit.openRequest(payer, payee.address, 400n);
    const [first, ...others] = await Promise.all(
      Array.from({ length: 8 }, () => kit.use.channels.open(request)),
    );
    const no = value(first!).channelNo;
    expect(others.map((other) => value(other).channelNo)).toEqual(Array(7).fill(no));
    expect(await kit.available(payer)).toBe(600n);
    const other = kit.openRequest(payer, payee.address, 401n, request.salt);
    expect(reason(await kit.use.channels.open(other))).toBe('ID_REUSED');
  });

  it('refuses a deposit that the balance does not cover and leaves nothing behind', async () => {
    const [payer, payee] = [await kit.account(100n), await kit.account()];
    const request = kit.openRequest(payer, payee.address, 101n);
    expect(reason(await kit.use.channels.open(request))).toBe('INSUFFICIENT_FUNDS');
    expect(await kit.available(payer)).toBe(100n);
  });

  it('closes at once for the payee, after the window for the payer, and not for others', async () => {
    const [payer, payee, other] = [
      await kit.account(100n),
      await kit.account(),
      await kit.account(),
    ];
    const channel = await kit.channel(payer, payee.address, 50n);
    expect(reason(await kit.close(other, channel.channelId))).toBe('NOT_PERMITTED');
    expect(reason(await kit.close(payer, randomBytes(32)))).toBe('CHANNEL_UNKNOWN');
    const byPayer = value(await kit.close(payer, channel.channelId));
    expect(byPayer).toMatchObject({ state: 2, closesAtMs: kit.time.nowMs + 600_000n });
    kit.time.nowMs += 5n;
    const again = value(await kit.close(payer, channel.channelId));
    expect(again.closesAtMs).toBe(byPayer.closesAtMs);
    const byPayee = value(await kit.close(payee, channel.channelId));
    expect(byPayee.closesAtMs).toBe(kit.time.nowMs);
  });
});

describe('views of many channels', () => {
  it('come in one answer, without those that nobody has opened', async () => {
    const [payer, payee] = [await kit.account(10_000n), await kit.account()];
    const channels = [];
    for (let at = 0; at < 20; at++) channels.push(await kit.channel(payer, payee.address, 100n));
    const ids = channels.map(({ channelId }) => channelId);
    const views = value(await kit.use.channels.views(Buffer.concat([...ids, randomBytes(32)])));
    const byId = (a: { channelId: Buffer }, b: { channelId: Buffer }) =>
      a.channelId.compare(b.channelId);
    expect(views.map(({ channelId }) => channelId).sort((a, b) => a.compare(b))).toEqual(
      [...channels].sort(byId).map(({ channelId }) => channelId),
    );
    const view = views.find(({ channelId }) => ids[0]?.equals(channelId));
    expect(view).toMatchObject({
      channelNo: channels[0]?.channelNo,
      partition: channels[0]?.part,
      payee: payee.address,
      depositUnits: 100n,
      state: 1,
    });
    expect(view?.payerPublicKey).toEqual(Buffer.from(payer.publicKey));
    expect(value(await kit.use.channels.views(Buffer.alloc(0)))).toEqual([]);
  });

  it('are refused for what is no list of ids, and for too many', async () => {
    expect(reason(await kit.use.channels.views(randomBytes(33)))).toBe('MALFORMED');
    const many = Buffer.alloc(32 * 4097);
    expect(reason(await kit.use.channels.views(many))).toBe('LIMIT_EXCEEDED');
    expect(value(await kit.use.channels.views(many.subarray(32)))).toEqual([]);
  });
});

describe('withdrawals', () => {
  const advance = (withdrawalId: Buffer, state: WithdrawalState, failure = '') =>
    kit.use.advance.advance({ withdrawalId, state, failure, txid: '', note: '' });

  it('pays once, with the fee, whatever is reported again or late', async () => {
    const owner = await kit.account(10_000n);
    const before = await kit.repositories.totals.readAll();
    const { withdrawalId } = value(await kit.withdraw(owner, 4_000n));
    for (const state of [
      WithdrawalState.QUEUED,
      WithdrawalState.PLANNED,
      WithdrawalState.BROADCAST,
      WithdrawalState.SIGNED,
      WithdrawalState.SOLIDIFIED,
      WithdrawalState.SOLIDIFIED,
      WithdrawalState.REFUNDED,
    ]) {
      value(await advance(withdrawalId, state));
    }
    expect(await kit.available(owner)).toBe(6_000n);
    const after = await kit.repositories.totals.readAll();
    expect(after.tables.reserve - before.tables.reserve).toBe(-3_900n);
    expect(after.tables.fees - before.tables.fees).toBe(100n);
  });

  it('refunds in full, once, and can then never be paid', async () => {
    const owner = await kit.account(10_000n);
    const { withdrawalId } = value(await kit.withdraw(owner, 4_000n));
    value(await advance(withdrawalId, WithdrawalState.REFUNDED, 'reverted on chain'));
    value(await advance(withdrawalId, WithdrawalState.REFUNDED));
    const stored = value(await advance(withdrawalId, WithdrawalState.SOLIDIFIED));
    expect(stored).toMatchObject({ state: 8, failure: 'reverted on chain' });
    expect(await kit.available(owner)).toBe(10_000n);
  });

  it('has one winner when cancelling and planning race', async () => {
    for (let round = 0; round < 10; round++) {
      const owner = await kit.account(2_000n);
      const { withdrawalId } = value(await kit.withdraw(owner, 2_000n));
      const validUntilMs = kit.time.nowMs + 1_000n;
      const digest = kit.digests.cancelWithdrawal(withdrawalId, validUntilMs);
      const signature = Buffer.from(sign(digest, owner.privateKey));
      const [cancelled, planned] = await Promise.all([
        kit.use.withdrawals.cancel({ withdrawalId, validUntilMs, signature }),
        advance(withdrawalId, WithdrawalState.PLANNED),
      ]);
      const state = value(planned).state;
      expect(cancelled.ok).toBe(state === 9);
      expect(await kit.available(owner)).toBe(cancelled.ok ? 2_000n : 0n);
    }
  });

  it('cannot promise more of an asset than its reserve, nor more than the balance', async () => {
    const owner = await kit.account(50_000n);
    const short = await kit.withdraw(owner, 40_000n, randomBytes(32), Asset.TRC10_BTTOLD);
    expect(reason(short)).toBe('RESERVE_SHORT');
    expect(reason(await kit.withdraw(owner, 50_001n))).toBe('INSUFFICIENT_FUNDS');
    expect(reason(await kit.withdraw(owner, 999n))).toBe('WITHDRAWAL_LIMIT');
    const all = await Promise.all(Array.from({ length: 6 }, () => kit.withdraw(owner, 20_000n)));
    expect(all.filter((result) => result.ok)).toHaveLength(2);
    expect(await kit.available(owner)).toBe(10_000n);
  });
});

describe('holds', () => {
  it('holds a bid once and refuses what the balance does not cover or the terms do not allow', async () => {
    const requester = await kit.account(1_000n);
    const bid = kit.bid(requester, 800n);
    expect(value(await kit.use.holds.place(bid))).toBe(false);
    expect(value(await kit.use.holds.place(bid))).toBe(true);
    expect(reason(await kit.use.holds.place(kit.bid(requester, 300n)))).toBe('INSUFFICIENT_FUNDS');
    expect(reason(await kit.use.holds.place(kit.bid(requester, 100n, bid.orderId)))).toBe(
      'ID_REUSED',
    );
    expect(reason(await kit.use.holds.place({ ...bid, slots: 2 }))).toBe('BUDGET_TOO_SMALL');
    expect(await kit.available(requester)).toBe(200n);
  });
});

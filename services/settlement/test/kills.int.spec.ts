import { TronWeb, utils } from 'tronweb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Asset } from '#libs/contracts';
import { KeySigner } from '#libs/tron';
import type { Parts } from '../src/parts.js';
import { Killed, killAt } from './kill.js';
import { HOT_WALLET_KEY, payee, scan, tick, tickUntil, UNIT, World } from './world.js';

const { TRC20_BTT, TRC10_BTTOLD } = Asset;
let world: World;
let next = 0;
beforeAll(async () => {
  world = await World.start();
  await world.fillReserves(1_000_000n);
  // One block a round, so that every step of a batch is taken whatever else the machine does.
  await world.devchain.setProducing(false);
});
afterEach(() => world.killAll());
afterAll(() => world.stop());

type Payout = { id: string; to: string; units: bigint; asset: Asset };
const request = (asset: Asset, units: bigint): Payout => {
  const number = ++next;
  const to = payee(0x1000 + number);
  return { id: world.books.request(number, asset, to, units), to, units, asset };
};
const ended = (payouts: readonly Payout[]) =>
  payouts.every(({ id }) => world.books.stateOf(id) === 'SOLIDIFIED');
const expectPaidOnce = async (payouts: readonly Payout[]) => {
  for (const { asset, to, units } of payouts) {
    const paid = asset === TRC20_BTT ? (await world.trc20Of(to)) / UNIT : await world.trc10Of(to);
    expect(paid).toBe(units);
  }
};

const points: readonly [keyof Parts, string][] = [
  ['books', 'advanceWithdrawal'],
  ['payouts', 'leaveQueue'],
  ['batches', 'plan'],
  ['steps', 'sign'],
  ['chain', 'broadcast'],
  ['steps', 'broadcast'],
  ['steps', 'confirm'],
  ['steps', 'finish'],
  ['scans', 'advance'],
  ['payouts', 'reported'],
];

describe('a process killed', () => {
  it.each(
    points.flatMap(([part, method]) =>
      (['before', 'after'] as const).map((when) => [when, part, method] as const),
    ),
  )('%s %s.%s pays nobody twice', async (when, part, method) => {
    const payouts = [request(TRC20_BTT, 5n), request(TRC20_BTT, 6n), request(TRC10_BTTOLD, 7n)];
    let parts = world.boot();
    killAt(parts[part] as object, method, when);
    let killed = false;
    try {
      await parts.runs.run();
      await tickUntil(world, parts, () => ended(payouts));
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      killed = true;
    }
    expect(killed).toBe(true);
    await world.kill(parts);
    parts = world.boot();
    await parts.runs.run();
    await tickUntil(world, parts, () => ended(payouts));
    await expectPaidOnce(payouts);
    await world.kill(parts);
  });
});

describe('a process killed while an operator decides', () => {
  const large = { APPROVAL_UNITS: '100' };
  const cases = (['approve', 'reject'] as const).flatMap((method) =>
    (['before', 'inside', 'after'] as const).map((when) => [when, method] as const),
  );

  it.each(cases)('%s %s keeps the word, or lets it be said again', async (when, method) => {
    const payout = request(TRC20_BTT, 100n);
    const approve = method === 'approve';
    const dying = world.boot(large);
    killAt(dying.approvalRows, method, when);
    const run = await dying.runs.run();
    const { batchNo } = run.ok ? run.value[0]! : { batchNo: 0n };
    const decision = { batchNo, approve, operator: 'ann', note: '' };
    await expect(dying.approvals.decide(decision)).rejects.toThrow(Killed);
    await world.kill(dying);
    expect(await sealsOf(batchNo)).toBe(when === 'after' ? `${approve}, sealed` : 'nothing');
    const parts = world.boot(large);
    expect(await parts.approvals.decide(decision)).toMatchObject({ ok: true });
    const end = approve ? 'SOLIDIFIED' : 'REFUNDED';
    await tickUntil(world, parts, () => world.books.stateOf(payout.id) === end);
    expect((await world.trc20Of(payout.to)) / UNIT).toBe(approve ? 100n : 0n);
    await world.kill(parts);
  });
});

/** What the tables say of the decision about a batch, and of its seal. */
async function sealsOf(batchNo: bigint): Promise<string> {
  const parts = world.boot();
  const [row] = await parts.database.sql<{ told: string }[]>`
    select concat_ws(', ', b.approved::text, case when s.hash is not null then 'sealed' end) as told
    from settlement.batches b
    left join settlement.batch_seals s on s.batch_no = b.batch_no and s.decided
    where b.batch_no = ${batchNo}`;
  await world.kill(parts);
  return row?.told || 'nothing';
}

describe('two processes', () => {
  it('lead one at a time, and the second takes over when the first is gone', async () => {
    const first = world.boot();
    const second = world.boot();
    expect(await first.leader.isLeader()).toBe(true);
    expect(await second.leader.isLeader()).toBe(false);
    expect(await second.runs.run()).toMatchObject({ ok: false, reason: 'UNAVAILABLE' });
    await world.kill(first);
    expect(await second.leader.isLeader()).toBe(true);
    await world.kill(second);
  });

  it('pay once even when both believe to lead', async () => {
    const payouts = [...Array(4).keys()].flatMap(() => [
      request(TRC20_BTT, 2n),
      request(TRC10_BTTOLD, 2n),
    ]);
    const both = [
      world.boot({ BATCH_RECIPIENTS_MAX: '2' }),
      world.boot({ BATCH_RECIPIENTS_MAX: '2' }),
    ];
    for (const { leader } of both) leader.isLeader = async () => true;
    await Promise.allSettled(both.map(({ runs }) => runs.run()));
    await both[0]!.runs.run();
    for (let ticks = 0; ticks < 60 && !ended(payouts); ticks++) {
      await Promise.all(both.map((parts) => tick(world, parts)));
    }
    expect(ended(payouts)).toBe(true);
    await expectPaidOnce(payouts);
    for (const parts of both) await world.kill(parts);
  });
});

describe('settlement pauses with a visible reason', () => {
  it('while the reserve is short, and goes on when it is filled', async () => {
    const parts = world.boot();
    const payout = request(TRC20_BTT, 10_000_000n);
    await parts.runs.run();
    await scan(parts);
    await parts.driver.round();
    expect((await parts.status.read()).paused).toContain('the reserve of TRC20_BTT is short');
    await world.devchain.setProducing(true);
    await world.fillReserves(10_000_000n);
    await world.devchain.setProducing(false);
    await tickUntil(world, parts, () => ended([payout]));
    expect((await parts.status.read()).paused).toBe('');
    await expectPaidOnce([payout]);
    await world.kill(parts);
  });

  it('while the clock of the node is far from ours', async () => {
    const parts = world.boot({ HEAD_SKEW_MAX_MS: '1000' });
    const payout = request(TRC20_BTT, 1n);
    await parts.runs.run();
    await world.passTime(5_000);
    await scan(parts);
    await parts.driver.round();
    expect(parts.driver.paused).toContain('off our clock');
    await world.kill(parts);
    const patient = world.boot();
    await tickUntil(world, patient, () => ended([payout]));
    await world.kill(patient);
  });

  it('when the configuration names another chain or token', async () => {
    const wrongChain = world.boot({ CHAIN_ID: '1' });
    await expect(wrongChain.wallet.assertPlace()).rejects.toThrow('the configuration names 1');
    const wrongToken = world.boot({ TRC20_ADDRESS: payee(1) });
    await expect(wrongToken.wallet.assertPlace()).rejects.toThrow('the vault holds the token');
    for (const parts of [wrongChain, wrongToken]) await world.kill(parts);
  });

  it('when another key may sign for the hot wallet', async () => {
    const parts = world.boot();
    const payout = request(TRC20_BTT, 1n);
    await world.devchain.fund(world.place.hotWalletAddress, 200_000_000n);
    await world.devchain.mine();
    const tronWeb = new TronWeb({ fullHost: world.devchain.url, privateKey: HOT_WALLET_KEY });
    const self = utils.address.toHex(world.place.hotWalletAddress);
    const thief = utils.address.toHex(new KeySigner('0e'.repeat(32)).address);
    const keys = [self, thief].map((address) => ({ address, weight: 1 }));
    const update = await tronWeb.transactionBuilder.updateAccountPermissions(
      self,
      { type: 0, permission_name: 'owner', threshold: 1, keys },
      undefined,
      [
        {
          type: 2,
          permission_name: 'active',
          threshold: 1,
          operations: '7fff1fc0033e0000000000000000000000000000000000000000000000000000',
          keys: keys.slice(0, 1),
        },
      ],
    );
    const sent = await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(update));
    expect(sent.result).toBe(true);
    await world.devchain.mine();
    await world.solidify();
    await parts.runs.run();
    for (let ticks = 0; ticks < 4; ticks++) await tick(world, parts);
    expect((await parts.status.read()).paused).toContain('name a key that is not its own');
    expect(world.books.stateOf(payout.id)).toBe('PLANNED');
    await world.kill(parts);
  });

  it('when the hot wallet has paid without a record here', async () => {
    const parts = world.boot();
    const { sql } = parts.database;
    await sql`insert into settlement.own_transactions values
      (${Buffer.alloc(32, 9)}, 1, true, 'SUCCESS', 0, 0, true)`;
    await parts.driver.round();
    expect(parts.driver.paused).toContain('not on record here');
    await world.kill(parts);
  });
});

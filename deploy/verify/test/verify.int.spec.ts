import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SnapshotLiabilitiesResponse } from '#libs/contracts';
import { type KeyPair } from '#libs/crypto';
import { Database } from '#libs/database';
import { WITHDRAWAL_STATES } from '#libs/domain';
import { abiAddress, callData } from '#libs/tron';
import { withdrawalMessage } from '../../../services/balance/src/application/events.js';
import { ledgerKit, value } from '../../../services/balance/test/ledger.kit.js';
import type { Parts } from '../../../services/settlement/src/parts.js';
import { tick, tickUntil, World } from '../../../services/settlement/test/world.js';
import { checkInclusion, proofOf } from '../src/inclusion.js';
import { verifyAll } from '../src/verify.js';
import { columnsOf, flipped, type Target } from './flip.js';
import { busyLedger } from './verify.kit.js';

// A ledger in which everything has happened, settled on the local chain; then one bit after the other is another.

/** The leaves of earlier epochs are kept for proofs; those of the last one are checked. */
const LAST =
  'select build_no from settlement.epochs where state = 5 order by epoch_no desc limit 1';
const TABLES: readonly Target[] = [
  {
    table: 'ledger.journal',
    key: "format('part %s, entry %s, line %s, at %s', part, entry_no, line, at_ms)",
    named: ['ledger.journal'],
  },
  {
    table: 'ledger.flushes',
    key: "format('part %s, flush %s', part, flush_no)",
    named: ['ledger.flushes'],
  },
  {
    table: 'ledger.balances',
    where: 'units <> 0',
    key: "format('part %s, account %s', part, account_no)",
    named: ['ledger.balances'],
  },
  { table: 'ledger.system_balances', where: 'units <> 0', named: ['ledger.system_balances'] },
  {
    table: 'ledger.channels',
    where: 'cumulative_units > 0',
    columns: [
      'channel_id',
      'payer_no',
      'payee_no',
      'deposit_units',
      'cumulative_units',
      'opened_at_ms',
      'claim_kind',
      'claim_detail',
      'claim_proof',
    ],
    named: ['ledger.channels', 'ledger.bundles', 'ledger.balances'],
  },
  {
    table: 'ledger.holds',
    columns: ['order_id', 'hold_no', 'account_no', 'placed_units', 'units'],
    named: ['ledger.holds'],
  },
  {
    table: 'ledger.withdrawals',
    columns: ['withdrawal_id', 'withdrawal_no', 'account_no', 'amount_units', 'requested_at_ms'],
    named: ['ledger.withdrawals'],
  },
  {
    table: 'settlement.batches',
    named: [
      'settlement.batches',
      'settlement.attempts',
      'settlement.vault_payments',
      'settlement.batch_payouts',
    ],
  },
  { table: 'settlement.batch_payouts', named: ['settlement.batch_payouts', 'settlement.batches'] },
  {
    table: 'settlement.attempts',
    columns: ['batch_no', 'attempt', 'txid', 'raw', 'signed', 'outcome'],
    named: ['settlement.attempts', 'settlement.batches'],
  },
  {
    table: 'settlement.vault_payments',
    columns: ['chain_batch_id', 'block_number'],
    named: ['settlement.vault_payments'],
  },
  {
    table: 'settlement.epochs',
    columns: ['root', 'total_units', 'secret'],
    where: `build_no = (${LAST})`,
    named: ['settlement.epochs'],
  },
  {
    table: 'settlement.epoch_leaves',
    where: `build_no = (${LAST})`,
    columns: ['leaves'],
    named: ['settlement.epoch_leaves', 'settlement.epochs'],
  },
];
/** Random bits of each column that are tried. */
const FLIPS = 2;

let world: World;
let kit: ReturnType<typeof ledgerKit>;
let owner: Database;
let anna: KeyPair;

beforeAll(async () => {
  world = await World.start();
  await world.fillReserves(1_000_000n);
  kit = ledgerKit(world.database.url, {
    CHAIN_ID: world.place.chainId,
    VAULT_ADDRESS: world.place.vaultAddress,
  });
  owner = new Database({
    url: world.database.url,
    applicationName: 'verify-test',
    connectionsMax: 1,
  });
  const ledger = await busyLedger(kit);
  anna = ledger.anna;
  await owner.sql`
    insert into settlement.deposits (txid, index, asset, sender, base_units, units, state, suspense,
      block_number, seen_at_ms, booked_at_ms)
    select txid, index, asset, a.address, units, units, 2, false, block_number, credited_at_ms,
      credited_at_ms from ledger.deposits d join ledger.accounts a on a.account_no = d.account_no`;
  await settle(ledger.withdrawals);
  // The reserves came from the faucet; the fake books took them for deposits.
  await owner.sql`delete from settlement.deposits s where not exists (
    select from ledger.deposits d where d.txid = s.txid and d.index = s.index)`;
});

afterAll(async () => {
  await Promise.all([kit?.database.close(), owner?.close()]);
  await world?.stop();
});

/** Has settlement pay what the real ledger lists; the fake books pass it on. */
async function settle(ids: readonly Buffer[]): Promise<void> {
  const parts = world.boot({ EPOCH_PERIOD_MS: '3600000', EPOCH_PAUSE_MS: '0' });
  for (const id of ids) {
    const stored = await kit.repositories.withdrawals.find(id);
    if (stored === undefined) throw new Error('no such withdrawal');
    world.books.withdrawals.set(
      id.toString('hex'),
      withdrawalMessage(stored, { periodMs: 60_000n, payoutsPerRun: 100n }, kit.clock()),
    );
  }
  await parts.runs.run();
  await untilCommitted(parts, 1n);
  for (
    let round = 0;
    ids.some((id) => world.books.stateOf(id.toString('hex')) !== 'SOLIDIFIED');
    round++
  ) {
    if (round > 300) throw new Error('the batch was not paid');
    await tick(world, parts);
  }
  for (const withdrawalId of ids) {
    const report = { withdrawalId, failure: '', txid: 'ab', note: '' };
    value(await kit.use.advance.advance({ ...report, state: WITHDRAWAL_STATES.solidified }));
  }
  while ((await kit.use.sealing.round()) > 0);
  await untilCommitted(parts, 2n);
  await world.kill(parts);
}

async function untilCommitted(parts: Parts, epochNo: bigint): Promise<void> {
  for (let round = 0; round < 300; round++) {
    if ((await parts.epochs.find(undefined))?.epochNo === epochNo) return;
    const pieces: SnapshotLiabilitiesResponse[] = [];
    value(await kit.use.liabilities.snapshot(async (piece) => void pieces.push({ piece })));
    world.books.liabilities = pieces;
    await parts.epochDriver.round();
    await tick(world, parts);
  }
  throw new Error(`epoch ${epochNo} was not committed: ${parts.epochDriver.paused}`);
}

const place = () => ({
  chainId: BigInt(world.place.chainId),
  vault: world.place.vaultAddress,
  trc10Id: world.place.trc10Id,
});
const verify = () => verifyAll(owner, world.chain, place());

describe('verify', () => {
  it('finds nothing in a ledger that nobody has touched, and has looked at all of it', async () => {
    const { difference, checks } = await verify();
    expect(difference).toBeUndefined();
    const rows = Object.fromEntries(checks.map(({ name, rows: count }) => [name, count]));
    expect(rows).toMatchObject({ Batches: 1, 'Epochs on chain': 2 });
    expect(rows.Journal).toBeGreaterThan(20);
    expect(rows['Leaves of the last epoch']).toBeGreaterThan(4);
  });

  it('proves an account against the chain, and no other amount', async () => {
    const on = { chain: world.chain, place: place() };
    const proof = await proofOf(owner, anna.address, 2n);
    if (typeof proof === 'string') throw new Error(proof);
    const available = await kit.available(anna);
    expect(await checkInclusion(on, anna.address, proof)).toEqual({
      epochNo: 2n,
      units: available + 250n,
      problem: '',
    });
    const leaf = Buffer.from(proof.leaf);
    leaf[60] = (leaf[60] ?? 0) ^ 1;
    expect(await checkInclusion(on, anna.address, { ...proof, leaf })).toMatchObject({
      problem: expect.stringMatching(/leads to root/),
    });
    expect(await checkInclusion(on, anna.address, { ...proof, epochNo: 9n })).toMatchObject({
      problem: 'the vault has no epoch 9',
    });
    expect(await proofOf(owner, world.place.vaultAddress, 2n)).toMatch(/no leaf of this account/);
  });

  it('lets offsets go back only where an operator has said so', async () => {
    const { sql } = owner;
    await sql`update ledger.log_offsets set next_offset = 0 where topic = 'vouchers' and next_offset > 0`;
    const { difference } = await verify();
    expect(difference).toMatchObject({ table: 'ledger.log_offsets', found: 'offset 0' });
    await sql`insert into ledger.log_restarts
      select 'vouchers', part, next_offset, 0, 'anew', 1 from ledger.flushes f where part >= 0
        and flush_no = (select max(flush_no) from ledger.flushes l where l.part = f.part)
        and next_offset > 0`;
    expect((await verify()).difference).toBeUndefined();
    await sql`delete from ledger.log_restarts`;
    await sql`update ledger.log_offsets o set next_offset = f.next_offset from ledger.flushes f
      where o.topic = 'vouchers' and f.part = o.part
        and flush_no = (select max(flush_no) from ledger.flushes l where l.part = f.part)`;
    expect((await verify()).difference).toBeUndefined();
  });

  it('names a posting of another amount, by what its accounts hold', async () => {
    const { sql } = owner;
    const [row] = await sql<{ entry: bigint; line: number; part: number }[]>`
      update ledger.journal set units = units + 3 where kind = 3 and units = 20
      returning entry_no as entry, line, part`;
    const { difference } = await verify();
    expect(difference).toMatchObject({ table: 'ledger.journal' });
    expect(difference?.key).toMatch(
      new RegExp(`^part ${row?.part}, entry ${row?.entry}, line ${row?.line},`),
    );
    await sql`update ledger.journal set units = units - 3 where kind = 3 and units = 23`;
    expect((await verify()).difference).toBeUndefined();
  });

  it('names a posting that was put in, and misses one that was taken out', async () => {
    const { sql } = owner;
    await sql`create temporary table kept as select * from ledger.journal where kind = 6`;
    await sql`insert into ledger.journal select at_ms, part, entry_no + 1000, line, kind, debit_kind,
      debit_no, credit_kind, credit_no, units, reference from ledger.journal where kind = 6`;
    expect((await verify()).difference).toMatchObject({
      table: 'ledger.journal',
      key: expect.stringMatching(/entry 10\d\d/),
    });
    await sql`delete from ledger.journal where kind = 6`;
    const { difference } = await verify();
    expect(difference?.table).toBe('ledger.journal');
    expect(difference?.expected).toMatch(/postings$/);
    await sql`insert into ledger.journal select j.* from kept j`;
    expect((await verify()).difference).toBeUndefined();
  });

  it.each(TABLES)('names the row when a bit of $table is another', async (target) => {
    const missed: string[] = [];
    for (const column of await columnsOf(owner, target)) {
      for (let flip = 0; flip < FLIPS; flip++) {
        const story = await flipped(owner, target, column, verify);
        if (story !== undefined) missed.push(story);
      }
    }
    expect(missed).toEqual([]);
    expect((await verify()).difference).toBeUndefined();
  });

  it('names the epoch that the vault has and the database does not', async () => {
    const { sql } = owner;
    await sql`update settlement.epochs set state = 6 where epoch_no = 2`;
    expect((await verify()).difference).toMatchObject({
      ...{ table: 'settlement.epochs', key: 'epoch 2', expected: 'the last epoch of the vault' },
    });
    await sql`update settlement.epochs set state = 5 where epoch_no = 2`;
  });

  it('names a payment of the hot wallet that nobody has signed here', async () => {
    const { sql } = owner;
    const txid = Buffer.alloc(32, 7);
    await sql`insert into settlement.own_transactions
      values (${txid}, 1, true, 'SUCCESS', 0, 0, true)`;
    expect((await verify()).difference).toMatchObject({
      ...{ table: 'settlement.own_transactions', key: txid.toString('hex') },
    });
    await sql`delete from settlement.own_transactions where unexplained`;
  });

  it('names a payout in the queue that is for somebody else than was asked', async () => {
    const { sql } = owner;
    const queue = (destination: string | null) => sql`
      insert into settlement.payouts (withdrawal_id, asset, account, destination, units, state,
        report_state, requested_at_ms, updated_at_ms)
      select w.withdrawal_id, w.asset, a.address, coalesce(${destination}, w.destination),
        w.amount_units - w.fee_units, 5, 8, 1, 1
      from ledger.withdrawals w join ledger.accounts a on a.account_no = w.account_no
      where w.state = 8 returning withdrawal_id as id`;
    const unqueue = () => sql`delete from settlement.payouts where state = 5`;
    const [row] = await queue(world.place.vaultAddress);
    expect((await verify()).difference).toMatchObject({
      ...{ table: 'settlement.payouts', key: `withdrawal ${row?.id.toString('hex')}` },
      found: expect.stringContaining(world.place.vaultAddress),
    });
    await unqueue();
    await queue(null);
    expect((await verify()).difference).toBeUndefined();
    await unqueue();
  });

  it('agrees with what a hot wallet of before has signed', async () => {
    const { vaultAddress, hotWalletAddress } = world.place;
    const operate = async (by: string) => {
      await world.faucet.trigger(vaultAddress, callData('setOperator(address)', [abiAddress(by)]));
      await world.solidify();
    };
    await operate(anna.address);
    expect((await verify()).difference).toBeUndefined();
    await operate(hotWalletAddress);
  });

  // The last one: what is paid twice stays so.
  it('names a withdrawal that two batches have paid', async () => {
    const { sql } = owner;
    const [twice] = await sql<{ id: Buffer }[]>`
      update settlement.payouts set state = 2, batch_no = null where withdrawal_id = (
        select withdrawal_id from settlement.payouts where state = 4 limit 1)
      returning withdrawal_id as id`;
    const parts = world.boot();
    await parts.runs.run();
    const isPaid = async () =>
      (await sql`select from settlement.payouts where state <> 4`).length === 0;
    await tickUntil(world, parts, isPaid);
    expect((await verify()).difference).toMatchObject({
      ...{ table: 'settlement.payouts', key: `withdrawal ${twice?.id.toString('hex')}` },
      expected: expect.stringMatching(/paid 1 times$/),
      found: expect.stringMatching(/paid 2 times$/),
    });
  });
});

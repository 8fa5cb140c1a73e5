import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abiAddress, callData } from '#libs/tron';
import { tickUntil } from '../../../services/settlement/test/world.js';
import { checkInclusion, proofOf } from '../src/inclusion.js';
import { VerifiedWorld } from './verified-world.js';

// A ledger in which everything has happened, settled on the local chain; then something is not as it was.

let on: VerifiedWorld;

beforeAll(async () => {
  on = await VerifiedWorld.start();
});
afterAll(() => on?.stop());

const verify = () => on.verify();

describe('verify', () => {
  it('finds nothing in a ledger that nobody has touched, and has looked at all of it', async () => {
    const { difference, checks } = await verify();
    expect(difference).toBeUndefined();
    const rows = Object.fromEntries(checks.map(({ name, rows: count }) => [name, count]));
    expect(rows).toMatchObject({ Batches: 6, Rounds: 1 });
    expect(rows['Epochs on chain']).toBeGreaterThanOrEqual(2);
    expect(rows.Journal).toBeGreaterThan(40);
    expect(rows['Leaves of epochs']).toBeGreaterThan(10);
  });

  it('proves an account against the chain, and no other amount', async () => {
    const { anna, epochNo, owner, world, place } = on;
    const chain = { chain: world.chain, place };
    const proof = await proofOf(owner, anna.address, epochNo);
    if (typeof proof === 'string') throw new Error(proof);
    const [held] = await owner.sql<{ units: bigint }[]>`
      select sum(units)::bigint as units from ledger.holds`;
    expect(await checkInclusion(chain, anna.address, proof)).toEqual({
      epochNo,
      units: (await on.kit.available(anna)) + (held?.units ?? 0n),
      problem: '',
    });
    const leaf = Buffer.from(proof.leaf);
    leaf[60] = (leaf[60] ?? 0) ^ 1;
    expect(await checkInclusion(chain, anna.address, { ...proof, leaf })).toMatchObject({
      problem: expect.stringMatching(/leads to root/),
    });
    expect(await checkInclusion(chain, anna.address, { ...proof, epochNo: 99n })).toMatchObject({
      problem: 'the vault has no epoch 99',
    });
    expect(await proofOf(owner, world.place.hotWalletAddress, epochNo)).toMatch(/has no leaf of T/);
  });

  it('lets offsets go back only where an operator has said so', async () => {
    const { sql } = on.owner;
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
    const { sql } = on.owner;
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
    const { sql } = on.owner;
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

  it('names the epoch that the vault has and the database does not', async () => {
    const { sql } = on.owner;
    await sql`update settlement.epochs set state = 6 where epoch_no = ${on.epochNo}`;
    expect((await verify()).difference).toMatchObject({
      ...{
        table: 'settlement.epochs',
        key: `epoch ${on.epochNo}`,
        expected: 'the last epoch of the vault',
      },
    });
    await sql`update settlement.epochs set state = 5 where epoch_no = ${on.epochNo}`;
  });

  it('names a payment of the hot wallet that nobody has signed here', async () => {
    const { sql } = on.owner;
    const txid = Buffer.alloc(32, 7);
    await sql`insert into settlement.own_transactions
      values (${txid}, 1, true, 'SUCCESS', 0, 0, true)`;
    expect((await verify()).difference).toMatchObject({
      ...{ table: 'settlement.own_transactions', key: txid.toString('hex') },
    });
    await sql`delete from settlement.own_transactions where txid = ${txid}`;
  });

  it('tells what is on the chain by an operator’s word only, and names a word that nobody gave', async () => {
    const { sql } = on.owner;
    const { difference, notes } = await verify();
    expect(difference).toBeUndefined();
    expect(notes).toEqual([
      expect.stringMatching(
        /^not signed here, explained by olga: transaction \w{64}: change of wallets$/,
      ),
    ]);
    const [kept] = await sql<{ txid: Buffer }[]>`select txid from settlement.explanations`;
    const key = kept?.txid.toString('hex');
    await sql`create temporary table kept_words as select * from settlement.explanations`;
    await sql`delete from settlement.explanations`;
    expect((await verify()).difference).toMatchObject({
      ...{ table: 'settlement.own_transactions', key },
      expected: expect.stringContaining('an explanation of it'),
    });
    // As if settlement had signed it, which would need no word.
    await sql`update settlement.own_transactions set unexplained = false where txid = ${kept?.txid ?? null}`;
    expect((await verify()).difference).toMatchObject({
      ...{ table: 'settlement.own_transactions', key },
    });
    await sql`update settlement.own_transactions set unexplained = true where txid = ${kept?.txid ?? null}`;
    await sql`insert into settlement.explanations select txid, operator, reason, 1, sha256('') from kept_words`;
    expect((await verify()).difference).toMatchObject({
      ...{ table: 'settlement.explanations', key },
      expected: expect.stringMatching(/^seal/),
    });
    await sql`delete from settlement.explanations`;
    await sql`insert into settlement.explanations select * from kept_words`;
    expect((await verify()).difference).toBeUndefined();
  });

  it('names an open batch that nobody has approved, whatever its row says', async () => {
    const { sql } = on.owner;
    const [plan] = await sql<{ no: bigint }[]>`
      insert into settlement.batches (asset, state, payouts, total_units, planned_at_ms,
        needs_approval) values (1, 1, 1, 1, 1, true) returning batch_no as no`;
    const batchNo = plan?.no ?? 0n;
    await sql`insert into settlement.batch_seals (batch_no, ended, hash)
      values (${batchNo}, false, sha256(''))`;
    await sql`update settlement.batches set approved = true, decided_by = 'mallory', decided_at_ms = 1
      where batch_no = ${batchNo}`;
    expect((await verify()).difference).toMatchObject({
      ...{ table: 'settlement.batch_seals', key: `batch ${batchNo}` },
      expected: 'seal of its decision true',
    });
    await sql`delete from settlement.batch_seals where batch_no = ${batchNo}`;
    await sql`delete from settlement.batches where batch_no = ${batchNo}`;
    await sql`update settlement.state_counts set rows = rows - 1, payouts = payouts - 1
      where source = 'batches' and state = 1`;
    expect((await verify()).difference).toBeUndefined();
  });

  it('names a payout in the queue that is for somebody else than was asked', async () => {
    const { sql } = on.owner;
    const queue = (destination: string | null) => sql`
      insert into settlement.payouts (withdrawal_id, asset, account, destination, units, state,
        report_state, requested_at_ms, updated_at_ms)
      select w.withdrawal_id, w.asset, a.address, coalesce(${destination}, w.destination),
        w.amount_units - w.fee_units, 5, 8, w.requested_at_ms, 1
      from ledger.withdrawals w join ledger.accounts a on a.account_no = w.account_no
      where w.state = 8
        and not exists (select from settlement.payouts p where p.withdrawal_id = w.withdrawal_id)
      returning withdrawal_id as id`;
    const unqueue = async () => {
      await sql`delete from settlement.payouts where withdrawal_id = ${row?.id ?? null}`;
      await on.recount();
    };
    const [row] = await queue(on.world.place.vaultAddress);
    expect((await verify()).difference).toMatchObject({
      ...{ table: 'settlement.payouts', key: `withdrawal ${row?.id.toString('hex')}` },
      found: expect.stringContaining(on.world.place.vaultAddress),
    });
    await unqueue();
    await queue(null);
    expect((await verify()).difference).toBeUndefined();
    await unqueue();
  });

  it('agrees with what a hot wallet of before has signed', async () => {
    const { world } = on;
    const { vaultAddress, hotWalletAddress } = world.place;
    const operate = async (by: string) => {
      await world.faucet.trigger(vaultAddress, callData('setOperator(address)', [abiAddress(by)]));
      await world.solidify();
    };
    await operate(on.anna.address);
    expect((await verify()).difference).toBeUndefined();
    await operate(hotWalletAddress);
  });

  // The last one: what is paid twice stays so.
  it('names a withdrawal that two batches have paid', async () => {
    const { sql } = on.owner;
    const [twice] = await sql<{ id: Buffer }[]>`
      update settlement.payouts set state = 2, batch_no = null where withdrawal_id = (
        select withdrawal_id from settlement.payouts where state = 4 and asset = 1 limit 1)
      returning withdrawal_id as id`;
    const parts = on.world.boot();
    await parts.runs.run();
    const isPaid = async () =>
      (
        await sql`select from settlement.payouts
          where withdrawal_id = ${twice?.id ?? null} and state = 4`
      ).length === 1;
    await tickUntil(on.world, parts, isPaid);
    expect((await verify()).difference).toMatchObject({
      ...{ table: 'settlement.payouts', key: `withdrawal ${twice?.id.toString('hex')}` },
      expected: expect.stringMatching(/paid 1 times$/),
      found: expect.stringMatching(/paid 2 times$/),
    });
  });
});

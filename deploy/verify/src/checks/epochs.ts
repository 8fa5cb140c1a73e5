import { createHmac } from 'node:crypto';
import { createKeccak } from 'hash-wasm';
import { addressFromBytes, climb, type Hash32, SumLevel, type Units } from '#libs/domain';
import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';
import { epochOnChain, reservesOf } from '../vault.js';

/** An epoch as stored. */
export type EpochRow = {
  readonly epochNo: bigint;
  readonly buildNo: bigint;
  readonly secret: Buffer;
  readonly root: Buffer;
  readonly totalUnits: Units;
  readonly leaves: number;
  readonly flushNos: bigint[];
  readonly operations: bigint[];
};

/** A leaf as it is kept, and what it is about. */
type Leaf = {
  readonly kind: number;
  readonly key: string;
  readonly bytes: Buffer;
  readonly units: Units;
};

/** Bytes of a kept leaf by kind, and of its id that the salt is drawn for. */
const FORMS: Readonly<Record<number, { readonly bytes: number; readonly salted: number }>> = {
  0: { bytes: 28, salted: 20 },
  2: { bytes: 88, salted: 32 },
  3: { bytes: 64, salted: 0 },
};
const ACCOUNT = 0;
const CHANNEL = 2;

/** Every epoch that counts as committed is on the chain as it is here. */
async function committed(audit: Audit): Promise<void> {
  for await (const epoch of rowsOf<EpochRow>(audit, epochsOf(audit, undefined))) {
    await onChain(audit, epoch);
  }
  await newest(audit);
}

/** The vault has no newer epoch than those on record: by its last one everybody would leave. */
async function newest(audit: Audit): Promise<void> {
  const { sql, lastEpoch } = audit;
  if (lastEpoch === 0n) return;
  // It may be solidified before that is noted here, but it was stored before it was sent.
  const [epoch] = await sql<EpochRow[]>`
    select epoch_no as "epochNo", root, total_units as "totalUnits" from settlement.epochs
    where epoch_no = ${lastEpoch} and state <> 6`;
  const row = { table: 'settlement.epochs', key: `epoch ${lastEpoch}` };
  if (epoch === undefined) differ(row, 'the last epoch of the vault', 'none that was sent');
  await onChain(audit, epoch);
}

async function onChain(audit: Audit, { epochNo, root, totalUnits }: EpochRow): Promise<void> {
  const row = { table: 'settlement.epochs', key: `epoch ${epochNo}` };
  const told = await epochOnChain(audit, epochNo);
  agree(row, 'root on chain', told.root, root);
  agree(row, 'total on chain', told.totalUnits, totalUnits);
}

/** The leaves of the last epoch give its root, and say what the journal said at its moment. */
async function lastEpoch(audit: Audit): Promise<void> {
  const [epoch] = await epochsOf(audit, 1);
  if (epoch === undefined) return;
  const row = { table: 'settlement.epochs', key: `epoch ${epoch.epochNo}` };
  const keccak = await createKeccak(256);
  const hash: Hash32 = (bytes) => keccak.init().update(bytes).digest('binary');
  const bottom = new SumLevel(epoch.leaves);
  for (const kind of [ACCOUNT, CHANNEL, 3]) {
    const owed = kind === 3 ? linesAt(audit, epoch) : owedAt(audit, epoch, kind);
    for await (const { leaf, units, key } of together(leavesOf(audit, epoch, kind), owed)) {
      const ofLeaf = {
        table: 'settlement.epoch_leaves',
        key: `epoch ${epoch.epochNo}, ${nameOf(kind)} ${key}`,
      };
      agree(ofLeaf, 'units owed by the journal', units ?? 0n, leaf?.units ?? 0n);
      if (leaf !== undefined) bottom.add(hash(saltedBytes(epoch, leaf)), leaf.units);
    }
  }
  if (bottom.count === 0) differ(row, `${epoch.leaves} leaves`, 'none');
  agree(row, 'leaves', bottom.count, epoch.leaves);
  const levels = [bottom.sorted()];
  for (const _turn of climb(levels, hash));
  const top = levels.at(-1) as SumLevel;
  agree(row, 'root of its leaves', top.hashAt(0), epoch.root);
  agree(row, 'total of its leaves', top.sumAt(0), epoch.totalUnits);
}

function nameOf(kind: number): string {
  return kind === ACCOUNT ? 'account' : kind === CHANNEL ? 'channel' : 'line';
}

/** The bytes of a leaf that are hashed: first byte, salt, content (docs/vault.md). */
export function saltedBytes({ secret }: Pick<EpochRow, 'secret'>, leaf: Leaf): Buffer {
  const kind = Buffer.of(leaf.kind);
  const salted = FORMS[leaf.kind]?.salted ?? 0;
  if (salted === 0) return Buffer.concat([kind, leaf.bytes]);
  const id = leaf.bytes.subarray(0, salted);
  const salt = createHmac('sha256', secret)
    .update(Buffer.concat([kind, id]))
    .digest();
  return Buffer.concat([kind, salt, leaf.bytes]);
}

/** The kept leaves of one kind, by key. */
export async function* leavesOf(
  audit: Pick<Audit, 'sql' | 'count'>,
  { buildNo }: Pick<EpochRow, 'buildNo'>,
  kind: number,
): AsyncGenerator<Leaf> {
  const form = FORMS[kind];
  if (form === undefined) return;
  const pieces = audit.sql<{ leaves: Buffer }[]>`
    select leaves from settlement.epoch_leaves
    where build_no = ${buildNo} and kind = ${kind} order by chunk_no`.cursor(20);
  for await (const page of pieces) {
    for (const { leaves } of page) {
      audit.count(leaves.length / form.bytes);
      for (let at = 0; at < leaves.length; at += form.bytes) {
        const bytes = leaves.subarray(at, at + form.bytes);
        yield {
          kind,
          key: keyOf(kind, bytes),
          bytes,
          units: bytes.readBigUInt64BE(form.bytes - 8),
        };
      }
    }
  }
}

function keyOf(kind: number, bytes: Buffer): string {
  if (kind === ACCOUNT) return addressFromBytes(bytes.subarray(0, 20));
  return bytes.subarray(0, kind === CHANNEL ? 32 : 36).toString('hex');
}

type Owed = { readonly key: string; readonly units: Units };

/** Leaves and what is owed, both by key, side by side. */
async function* together(
  leaves: AsyncGenerator<Leaf>,
  owed: AsyncGenerator<Owed>,
): AsyncGenerator<{ key: string; leaf: Leaf | undefined; units: Units | undefined }> {
  let [left, right] = [await leaves.next(), await owed.next()];
  while (left.done !== true || right.done !== true) {
    const [leaf, debt] = [left.done ? undefined : left.value, right.done ? undefined : right.value];
    const key = [leaf?.key, debt?.key].filter((each) => each !== undefined).sort()[0] ?? '';
    const [isLeaf, isDebt] = [leaf?.key === key, debt?.key === key];
    yield { key, leaf: isLeaf ? leaf : undefined, units: isDebt ? debt?.units : undefined };
    if (isLeaf) left = await leaves.next();
    if (isDebt) right = await owed.next();
  }
}

// The journal as far as it went at the moment of an epoch.
function journalAt({ sql }: Audit, { flushNos, operations }: EpochRow) {
  const int8s = (values: readonly bigint[]) => sql.array([...values], 1016);
  return sql`
    select j.* from ledger.journal j
    left join ledger.flushes f on j.part >= 0 and f.part = j.part and f.at_ms = j.at_ms
      and f.first_offset = j.entry_no and f.flush_no > 0
    where case when j.part >= 0
      then coalesce(f.flush_no, 0) <= (${int8s(flushNos)}::bigint[])[j.part + 2]
      else j.entry_no in (
        select unnest(operations) from ledger.flushes
          where part = -1 and flush_no <= (${int8s(flushNos)}::bigint[])[1]
        union all select unnest(${int8s(operations)}::bigint[])) end`;
}

async function* owedAt(audit: Audit, epoch: EpochRow, kind: number): AsyncGenerator<Owed> {
  const { sql } = audit;
  const entries = sql`
    with at as materialized (${journalAt(audit, epoch)}), entries as (
      select credit_kind as kind, credit_no as no, units from at
      union all select debit_kind, debit_no, -units from at)`;
  const rows =
    kind === CHANNEL
      ? sql<Owed[]>`${entries}
          select encode(c.channel_id, 'hex') as key, sum(e.units)::bigint as units
          from entries e join ledger.channels c on e.kind = 2 and c.channel_no = e.no
          group by c.channel_id having sum(e.units) <> 0 order by c.channel_id`
      : sql<Owed[]>`${entries}
          select a.address as key, sum(o.units)::bigint as units from (
            select no as account_no, units from entries where kind = 1
            union all select h.account_no, e.units from entries e
              join ledger.holds h on e.kind = 3 and h.hold_no = e.no
            union all select w.account_no, e.units from entries e
              join ledger.withdrawals w on e.kind = 4 and w.withdrawal_no = e.no
              where not exists (select from settlement.epoch_payouts p
                where p.epoch_no = ${epoch.epochNo} and p.withdrawal_id = w.withdrawal_id)
          ) o join ledger.accounts a on a.account_no = o.account_no
          group by a.address having sum(o.units) <> 0 order by a.address collate "C"`;
  yield* rowsOf<Owed>(audit, rows);
}

async function* linesAt(audit: Audit, { epochNo }: EpochRow): AsyncGenerator<Owed> {
  yield* rowsOf<Owed>(
    audit,
    audit.sql<Owed[]>`
      select encode(b.chain_batch_id, 'hex') || lpad(to_hex(l.line), 8, '0') as key, l.units
      from settlement.epoch_payouts p
      join settlement.batch_payouts l on l.batch_no = p.batch_no and l.line = p.line
      join settlement.batches b on b.batch_no = p.batch_no
      where p.epoch_no = ${epochNo} and p.in_tree order by 1`,
  );
}

/** All that is owed now is covered by what the solidified chain holds of both assets. */
async function reserves(audit: Audit): Promise<void> {
  const [owed] = await audit.sql<{ units: Units; paid: Units }[]>`
    select (select sum(units) from ledger.system_balances where kind = 6)::bigint as units,
      (select coalesce(sum(l.units), 0) from settlement.batch_payouts l
        join settlement.payouts p on p.withdrawal_id = l.withdrawal_id and p.batch_no = l.batch_no
        join settlement.batches b on b.batch_no = l.batch_no
        join ledger.withdrawals w on w.withdrawal_id = l.withdrawal_id
        where w.state < 7 and (b.state between 2 and 4 or p.state = 4))::bigint as paid`;
  const { trc20, trc10 } = await reservesOf(audit);
  const due = (owed?.units ?? 0n) - (owed?.paid ?? 0n);
  if (due <= trc20 + trc10) return;
  const row = { table: 'ledger.system_balances', key: 'reserves' };
  const told = `${trc20} units of TRC-20 in the vault and ${trc10} of TRC-10 in the hot wallet`;
  differ(row, `${due} units on chain`, told);
}

/** Committed epochs, newest first; of the newest ones only when a number is given. */
export function epochsOf({ sql }: Pick<Audit, 'sql'>, newest: number | undefined) {
  return sql<EpochRow[]>`
    select epoch_no as "epochNo", build_no as "buildNo", secret, root, total_units as "totalUnits",
      leaves, flush_nos as "flushNos", operations
    from settlement.epochs where state = 5 order by epoch_no desc
    ${newest === undefined ? sql`` : sql`limit ${newest}`}`;
}

export const EPOCH_CHECKS: readonly Check[] = [
  { name: 'Epochs on chain', run: committed },
  { name: 'Leaves of the last epoch', run: lastEpoch },
  { name: 'Reserves', run: reserves },
];

import { Database, type Sql } from '#libs/database';

/** What the same Postgres does without the ledger. */
export type PostgresLimits = { readonly upsertsPerSecond: number; readonly naivePerSecond: number };

const NAME = 'swarmledger_bench_limits';
const ROWS = 100_000;
const UPSERT_ROWS = 5_000;
const NAIVE_CONNECTIONS = 4;
const ACCOUNTS = 500;

/**
 * Measures Postgres itself, in a database of its own that is dropped again: upserts of 5 000 rows a
 * transaction on one connection, and the plain way to take payments, one transaction each on four
 * connections: lock the channel, raise it, write a journal row, pay the payee, commit. Nothing is verified.
 */
export async function measurePostgresLimits(url: string, seconds: number): Promise<PostgresLimits> {
  const owner = new Database({ url, applicationName: 'bench', connectionsMax: 1 });
  const place = new URL(url);
  place.pathname = `/${NAME}`;
  try {
    await owner.sql.unsafe(`drop database if exists ${NAME} with (force)`);
    await owner.sql.unsafe(`create database ${NAME}`);
    const limits = new Database({
      url: place.href,
      applicationName: 'bench',
      connectionsMax: NAIVE_CONNECTIONS,
    });
    try {
      await createTables(limits.sql);
      const upsertsPerSecond = await measureUpserts(limits.sql, seconds);
      return { upsertsPerSecond, naivePerSecond: await measureNaive(limits.sql, seconds) };
    } finally {
      await limits.close();
    }
  } finally {
    await owner.sql.unsafe(`drop database if exists ${NAME} with (force)`);
    await owner.close();
  }
}

async function createTables(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create table upserts (id bigint primary key, units bigint not null) with (fillfactor = 75);
    create table channels (channel_no bigint primary key, payee_no bigint not null,
      deposit_units bigint not null, cumulative_units bigint not null,
      claim_proof bytea) with (fillfactor = 75);
    create table balances (account_no bigint primary key, units bigint not null) with (fillfactor = 75);
    create table journal (entry_no bigint generated always as identity primary key,
      at_ms bigint not null, channel_no bigint not null, payee_no bigint not null, units bigint not null);
    insert into upserts select id, 0 from generate_series(0, ${ROWS - 1}) id;
    insert into channels select id, id % ${ACCOUNTS}, 1000000000, 0
      from generate_series(0, ${ROWS - 1}) id;
    insert into balances select id, 0 from generate_series(0, ${ACCOUNTS - 1}) id;
  `);
  await sql`vacuum analyze`;
}

async function measureUpserts(sql: Sql, seconds: number): Promise<number> {
  const start = performance.now();
  let done = 0;
  while (performance.now() - start < seconds * 1_000) {
    await sql`insert into upserts as u
      select (${done} + n) % ${ROWS}, 1 from generate_series(0, ${UPSERT_ROWS - 1}) n
      on conflict (id) do update set units = u.units + excluded.units`;
    done += UPSERT_ROWS;
  }
  return (done * 1_000) / (performance.now() - start);
}

async function measureNaive(sql: Sql, seconds: number): Promise<number> {
  const proof = Buffer.alloc(64, 7);
  const start = performance.now();
  let [turn, done] = [0, 0];
  const worker = async () => {
    while (performance.now() - start < seconds * 1_000) {
      const channelNo = (turn++ * 7_919) % ROWS;
      await sql.begin((tx) => payNaively(tx as unknown as Sql, channelNo, proof));
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: NAIVE_CONNECTIONS }, worker));
  return (done * 1_000) / (performance.now() - start);
}

async function payNaively(tx: Sql, channelNo: number, proof: Buffer): Promise<void> {
  const [channel] = await tx<{ payee: bigint; cumulative: bigint; deposit: bigint }[]>`
    select payee_no as payee, cumulative_units as cumulative, deposit_units as deposit
    from channels where channel_no = ${channelNo} for update`;
  if (channel === undefined || channel.cumulative >= channel.deposit) throw new Error('no channel');
  await tx`update channels set cumulative_units = ${channel.cumulative + 1n}, claim_proof = ${proof}
    where channel_no = ${channelNo}`;
  await tx`insert into journal (at_ms, channel_no, payee_no, units)
    values (${BigInt(Date.now())}, ${channelNo}, ${channel.payee}, 1)`;
  await tx`update balances set units = units + 1 where account_no = ${channel.payee}`;
}

import { createHash } from 'node:crypto';
import postgres from 'postgres';

/**
 * The state of a ledger as text, one query per section and one line per fact, sorted. Nothing depends on
 * numbers that a database hands out, on times, or on how the log was cut into flushes: two ledgers that
 * were told the same have the same state.
 */
const SECTIONS: Readonly<Record<string, string>> = {
  channels: `
    select concat_ws('|', encode(c.channel_id, 'hex'), payer.address, payee.address, c.deposit_units,
      c.cumulative_units, c.state, c.tick_index, encode(c.tick_preimage, 'hex'), c.tick_base_units,
      c.claim_kind, coalesce(k.address, payer.address),
      case when c.claim_kind = 3
        then concat_ws('|', b.valid_until_ms, encode(b.signature, 'hex'))
        else concat_ws('|', c.claim_detail, encode(c.claim_proof, 'hex')) end) as line
    from ledger.channels c
    join ledger.accounts payer on payer.account_no = c.payer_no
    join ledger.accounts payee on payee.account_no = c.payee_no
    left join ledger.session_keys k on k.session_key_no = c.session_key_no
    left join ledger.bundles b
      on c.claim_kind = 3 and b.part = c.part and b.bundle_no = c.claim_detail`,
  balances: `
    select concat_ws('|', a.address, b.part, b.units) as line
    from ledger.balances b join ledger.accounts a on a.account_no = b.account_no
    where b.units <> 0`,
  system: `select concat_ws('|', kind, no, units) as line from ledger.system_balances`,
  sessionKeys: `
    select concat_ws('|', a.address, k.address, k.cap_units, k.used_units, k.expires_at_ms,
      k.revoked_at_ms is not null) as line
    from ledger.session_keys k join ledger.accounts a on a.account_no = k.account_no`,
  holds: `select concat_ws('|', encode(order_id, 'hex'), placed_units, units, released) as line
    from ledger.holds`,
  withdrawals: `
    select concat_ws('|', encode(withdrawal_id, 'hex'), asset, amount_units, fee_units, state) as line
    from ledger.withdrawals`,
  deposits: `select concat_ws('|', encode(txid, 'hex'), index, asset, units) as line
    from ledger.deposits`,
  bundles: `
    select concat_ws('|', part, sum(channels), valid_until_ms, encode(signature, 'hex'),
      encode(entries, 'hex')) as line
    from ledger.bundles group by part, valid_until_ms, signature, entries`,
  offsets: `select concat_ws('|', topic, part, next_offset) as line from ledger.log_offsets`,
  quarantine: `
    select concat_ws('|', topic, part, log_offset, line, reason, encode(content, 'hex')) as line
    from ledger.quarantine`,
  journal: `
    with names as (
      select 1::smallint as kind, account_no as no, address as name from ledger.accounts
      union all select 2, channel_no, encode(channel_id, 'hex') from ledger.channels
      union all select 3, hold_no, encode(order_id, 'hex') from ledger.holds
      union all select 4, withdrawal_no, encode(withdrawal_id, 'hex') from ledger.withdrawals
      union all select kind, no, no::text from ledger.system_balances
    )
    select concat_ws('|', j.kind, j.debit_kind, debit.name, j.credit_kind, credit.name, sum(j.units))
      as line
    from ledger.journal j
    left join names debit on debit.kind = j.debit_kind and debit.no = j.debit_no
    left join names credit on credit.kind = j.credit_kind and credit.no = j.credit_no
    group by j.kind, j.debit_kind, debit.name, j.credit_kind, credit.name`,
};

/** Every fact of a ledger, by section: to be looked at when two digests differ. */
export async function ledgerState(databaseUrl: string): Promise<Record<string, string[]>> {
  return read(databaseUrl, async (sql) => {
    const sections: Record<string, string[]> = {};
    for (const [name, query] of Object.entries(SECTIONS)) {
      const rows = await sql.unsafe<{ line: string }[]>(`${query} order by line`);
      sections[name] = rows.map(({ line }) => line);
    }
    return sections;
  });
}

/** SHA-256 over {@link ledgerState}, computed where the rows are: fit for millions of channels. */
export async function ledgerDigest(databaseUrl: string): Promise<string> {
  return read(databaseUrl, async (sql) => {
    const hash = createHash('sha256');
    for (const [name, query] of Object.entries(SECTIONS)) {
      const [row] = await sql.unsafe<{ digest: Buffer }[]>(`
        select sha256(coalesce(string_agg(digest, ''::bytea order by digest), ''::bytea)) as digest
        from (select sha256(convert_to(line, 'UTF8')) as digest from (${query}) facts) digests`);
      hash.update(name).update(row?.digest ?? '');
    }
    return hash.digest('hex');
  });
}

// One snapshot for all sections: the ledger may be at work.
async function read<T>(url: string, use: (sql: postgres.TransactionSql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return (await sql.begin('isolation level repeatable read read only', use)) as T;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

import type { Database, Sql, Transaction, TransactionSql } from '#libs/database';
import type { Address, Units } from '#libs/domain';

/** A session key with the account that delegated it. */
export type StoredSessionKey = {
  readonly sessionKeyNo: bigint;
  readonly accountNo: bigint;
  readonly account: Address;
  readonly address: Address;
  readonly publicKey: Buffer;
  readonly capUnits: Units;
  readonly usedUnits: Units;
  readonly expiresAtMs: bigint;
  readonly delegatedAtMs: bigint;
  readonly revokedAtMs: bigint | null;
};

/** What is needed to keep a delegation. */
export type NewSessionKey = {
  readonly accountNo: bigint;
  readonly address: Address;
  readonly publicKey: Uint8Array;
  readonly capUnits: Units;
  readonly expiresAtMs: bigint;
  readonly validUntilMs: bigint;
  readonly signature: Uint8Array;
  readonly delegatedAtMs: bigint;
};

/** Rows of `ledger.session_keys`. */
export class SessionKeyRepository {
  constructor(private readonly database: Database) {}

  /** The key that an account has delegated, whether it may still be used or not. */
  async find(
    account: Address,
    key: Address,
    tx?: Transaction,
  ): Promise<StoredSessionKey | undefined> {
    const sql = tx?.sql ?? this.database.sql;
    const [row] = await sql<StoredSessionKey[]>`${select(sql)}
      where a.address = ${account} and k.address = ${key}`;
    return row;
  }

  /** Session keys of an account, newest first, older than a number. */
  list(accountNo: bigint, before: bigint | undefined, limit: number): Promise<StoredSessionKey[]> {
    const { sql } = this.database;
    const older = before === undefined ? sql`` : sql`and k.session_key_no < ${before}`;
    return sql<StoredSessionKey[]>`${select(sql)}
      where k.account_no = ${accountNo} ${older} order by k.session_key_no desc limit ${limit}`;
  }

  /** How many keys of an account can be used now; right under the lock of its home row only. */
  async countLive(tx: Transaction, accountNo: bigint, nowMs: bigint): Promise<number> {
    const [row] = await tx.sql<{ count: number }[]>`
      select count(*)::int as count from ledger.session_keys
      where account_no = ${accountNo} and revoked_at_ms is null and expires_at_ms > ${nowMs}`;
    return row?.count ?? 0;
  }

  /** Keeps a delegation; the caller has made sure that the account has not delegated this key before. */
  async insert(tx: Transaction, key: NewSessionKey): Promise<void> {
    await tx.sql`insert into ledger.session_keys ${tx.sql({
      account_no: key.accountNo,
      address: key.address,
      public_key: Buffer.from(key.publicKey),
      cap_units: key.capUnits,
      expires_at_ms: key.expiresAtMs,
      valid_until_ms: key.validUntilMs,
      signature: Buffer.from(key.signature),
      delegated_at_ms: key.delegatedAtMs,
    })}`;
  }

  /**
   * Takes units off what a key may still use. One statement decides, so that openings at the same moment
   * cannot pass the cap together; false when it is revoked, expired or short of units.
   */
  async spend(
    tx: Transaction,
    sessionKeyNo: bigint,
    units: Units,
    nowMs: bigint,
  ): Promise<boolean> {
    const done = await tx.sql`update ledger.session_keys set used_units = used_units + ${units}
      where session_key_no = ${sessionKeyNo} and revoked_at_ms is null
        and expires_at_ms > ${nowMs} and used_units <= cap_units - ${units}`;
    return done.count === 1;
  }

  /** Locks a key until the transaction ends: no opening by it is under way then. */
  async lock(tx: Transaction, sessionKeyNo: bigint): Promise<void> {
    await tx.sql`select 1 from ledger.session_keys
      where session_key_no = ${sessionKeyNo} for update`;
  }

  /** Revokes a key; one that is revoked already stays as it is. */
  async revoke(
    tx: Transaction,
    sessionKeyNo: bigint,
    proof: { validUntilMs: bigint; signature: Uint8Array },
    nowMs: bigint,
  ): Promise<void> {
    await tx.sql`update ledger.session_keys
      set revoked_at_ms = ${nowMs}, revocation_valid_until_ms = ${proof.validUntilMs},
        revocation_signature = ${Buffer.from(proof.signature)}
      where session_key_no = ${sessionKeyNo} and revoked_at_ms is null`;
  }
}

function select(sql: Sql | TransactionSql) {
  return sql`
    select k.session_key_no as "sessionKeyNo", k.account_no as "accountNo", a.address as account,
      k.address, k.public_key as "publicKey", k.cap_units as "capUnits", k.used_units as "usedUnits",
      k.expires_at_ms as "expiresAtMs", k.delegated_at_ms as "delegatedAtMs",
      k.revoked_at_ms as "revokedAtMs"
    from ledger.session_keys k join ledger.accounts a on a.account_no = k.account_no`;
}

import { eq } from 'drizzle-orm';
import { type Database, ledgerTables, type Transaction } from '#libs/database';
import type { Address } from '#libs/domain';

const { accounts } = ledgerTables;

/** An account as stored. */
export type Account = {
  readonly accountNo: bigint;
  readonly address: Address;
  /** 65 bytes, or null while only the address is known. */
  readonly publicKey: Buffer | null;
};

/** Rows of `ledger.accounts`. */
export class AccountRepository {
  constructor(private readonly database: Database) {}

  /** The account of an address, or undefined when the ledger never heard of it. */
  async find(address: Address): Promise<Account | undefined> {
    const rows = await this.database.db
      .select()
      .from(accounts)
      .where(eq(accounts.address, address))
      .limit(1);
    return rows[0];
  }

  /** Number of the account of an address; makes the account when it is new. */
  async ensure(tx: Transaction, address: Address, nowMs: bigint): Promise<bigint> {
    const [found] = await tx.db
      .select({ accountNo: accounts.accountNo })
      .from(accounts)
      .where(eq(accounts.address, address));
    if (found !== undefined) return found.accountNo;
    // Setting the address to itself makes a row made by somebody else at the same moment come back.
    const [made] = await tx.db
      .insert(accounts)
      .values({ address, createdAtMs: nowMs })
      .onConflictDoUpdate({ target: accounts.address, set: { address } })
      .returning({ accountNo: accounts.accountNo });
    if (made === undefined) throw new Error('an upsert returned no row');
    return made.accountNo;
  }

  /** Stores the public key of an account; an address has one key only, so a repeat changes nothing. */
  async register(address: Address, publicKey: Uint8Array, nowMs: bigint): Promise<void> {
    await this.database.db
      .insert(accounts)
      .values({ address, publicKey: Buffer.from(publicKey), createdAtMs: nowMs })
      .onConflictDoUpdate({
        target: accounts.address,
        set: { publicKey: Buffer.from(publicKey) },
      });
  }
}

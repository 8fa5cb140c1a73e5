import type { Database, Transaction } from '#libs/database';
import type { Address } from '#libs/domain';
import { decodeTransaction } from '#libs/tron';
import type { HotWallet } from '../domain/hot-wallets.js';
import { durably } from './batch-transaction.repository.js';

/** Rows of `settlement.hot_wallets`: one for each change of the hot wallet. */
export class HotWalletRepository {
  constructor(private readonly database: Database) {}

  /** All that there were, the newest last. */
  list(): Promise<readonly HotWallet[]> {
    return listed(this.database);
  }

  /**
   * Notes that a wallet is in use as of a block, unless it is the newest already; answers as {@link list}. What was
   * signed before wallets were noted tells which ones there were.
   */
  use(address: Address, sinceBlock: bigint): Promise<readonly HotWallet[]> {
    return durably(this.database, async (tx) => {
      await tx.sql`select pg_advisory_xact_lock(hashtext('swarmledger-hot-wallets'))`;
      const known = await listed(tx);
      if (known.length === 0) {
        for (const owner of await signers(tx)) await insert(tx, { address: owner, sinceBlock: 0n });
      }
      const newest = (await listed(tx)).at(-1);
      if (newest?.address !== address) await insert(tx, { address, sinceBlock });
      return listed(tx);
    });
  }
}

type Sql = Pick<Database | Transaction, 'sql'>;

async function listed({ sql }: Sql): Promise<HotWallet[]> {
  return await sql<HotWallet[]>`
    select address, since_block as "sinceBlock" from settlement.hot_wallets order by wallet_no`;
}

async function insert({ sql }: Sql, { address, sinceBlock }: HotWallet): Promise<void> {
  await sql`
    insert into settlement.hot_wallets (address, since_block) values (${address}, ${sinceBlock})`;
}

/** Owners of everything that was signed, the first one first. */
async function signers({ sql }: Sql): Promise<ReadonlySet<Address>> {
  const signed = await sql<{ raw: Uint8Array }[]>`
    select raw from (
      select raw, signed_at_ms from settlement.attempts
      union all select raw, signed_at_ms from settlement.epoch_attempts
      union all select raw, signed_at_ms from settlement.release_attempts
    ) as signed order by signed_at_ms`;
  return new Set(signed.map(({ raw }) => decodeTransaction(raw).owner));
}

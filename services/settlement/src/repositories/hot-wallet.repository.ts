import type { Database } from '#libs/database';
import { durably } from './batch-transaction.repository.js';

/** The hot wallets of before, and the newest solidified block when today's was first used. */
export type FormerWallets = {
  readonly former: ReadonlySet<string>;
  readonly sinceBlock: bigint;
};

/** Rows of `settlement.hot_wallets`: one for each change of the hot wallet. */
export class HotWalletRepository {
  constructor(private readonly database: Database) {}

  /** Notes that a wallet is in use as of a solidified block, unless it was already; tells those of before. */
  use(address: string, solidBlock: bigint): Promise<FormerWallets> {
    return durably(this.database, async ({ sql }) => {
      await sql`select pg_advisory_xact_lock(hashtext('swarmledger-hot-wallets'))`;
      const known = await sql<{ address: string; sinceBlock: bigint }[]>`
        select address, since_block as "sinceBlock" from settlement.hot_wallets order by wallet_no`;
      const last = known.at(-1);
      const former = new Set(known.map((wallet) => wallet.address).filter((of) => of !== address));
      if (last?.address === address) return { former, sinceBlock: last.sinceBlock };
      await sql`
        insert into settlement.hot_wallets (address, since_block) values (${address}, ${solidBlock})`;
      return { former, sinceBlock: solidBlock };
    });
  }
}

import postgres from 'postgres';
import { CHECKS } from '../../../crash/src/check/checks.js';
import type { Truth } from '../truth.js';
import { type AssetName, ChainRecord, chainHex, type Place } from './chain-record.js';
import {
  type Asked,
  type BookedDeposit,
  type BookedWithdrawal,
  compare,
  type Finding,
} from './compare.js';

type Types = { bigint: bigint };
const ASSET_NO: Readonly<Record<AssetName, number>> = { TRC20_BTT: 1, TRC10_BTTOLD: 2 };
const BASE: Readonly<Record<AssetName, bigint>> = { TRC20_BTT: 10n ** 15n, TRC10_BTTOLD: 1n };
const ASSETS = Object.keys(ASSET_NO) as AssetName[];

/** What the rig itself did on the chain, which the checker is told. */
export type Known = {
  readonly asked: readonly Asked[];
  /** Hex addresses that the rig sent the ledger's own tokens to, or from which nothing is credited. */
  readonly ignoredTo: ReadonlySet<string>;
  readonly noAccounts: ReadonlySet<string>;
};

/**
 * Compares the chain, what was asked for, and the journal. It asks no service and shares no code with
 * any: it reads the chain's blocks at a node that tells the truth, and Postgres in one snapshot.
 */
export class SettlementChecker {
  readonly #sql: postgres.Sql<Types>;
  readonly record: ChainRecord;
  #surplus: Readonly<Record<AssetName, bigint>> | undefined;

  constructor(
    databaseUrl: string,
    private readonly truth: Truth,
    private readonly place: Place,
  ) {
    this.record = new ChainRecord(truth, place);
    this.#sql = postgres(databaseUrl, {
      max: 1,
      onnotice: () => undefined,
      types: { bigint: postgres.BigInt },
      connection: { application_name: 'swarmledger-settlement-checker', jit: 'off' },
    });
  }

  /** True when every withdrawal has ended and every deposit of the solidified chain is in the ledger. */
  async atRest({ asked, noAccounts }: Known): Promise<boolean> {
    await this.record.read();
    const { withdrawals, deposits } = await this.#booked();
    const ended = new Set(
      withdrawals.filter(({ state }) => [7, 8, 9].includes(state)).map(({ id }) => id),
    );
    const credited = new Set(deposits.map(({ txid }) => txid));
    return (
      asked.every(({ id }) => ended.has(id)) &&
      this.record.in.every(
        ({ txid, from, asset, baseUnits }) =>
          credited.has(txid) || noAccounts.has(from) || baseUnits < BASE[asset],
      )
    );
  }

  /** All that is wrong now. */
  async check(known: Known): Promise<Finding[]> {
    // Payments are looked for on the chain after the ledger was read: what it calls paid must be there.
    const booked = await this.#booked();
    const books = await this.#booksFindings();
    await this.record.read();
    const { out, in: received, epochs } = this.record;
    return [...compare({ ...known, ...booked, out, in: received, epochs }), ...books];
  }

  /**
   * At rest, too: what the chain holds beyond the ledger's reserve must be what it was at first, and the strays; and the
   * vault keeps nothing for claims any more.
   */
  async checkReserves(strays: Readonly<Record<AssetName, bigint>>): Promise<Finding[]> {
    const now = await this.#surplusNow();
    this.#surplus ??= now;
    const before = this.#surplus;
    const held = await this.truth.trc20(this.place.trc20, this.place.vault);
    const kept = held - (await this.truth.freeOf(this.place.vault));
    const stuck: Finding[] =
      kept === 0n
        ? []
        : [{ kind: 'books', text: `the vault keeps ${kept} base units for claims that are over` }];
    const strayed = ASSETS.flatMap((asset): Finding[] => {
      const expected = before[asset] + strays[asset];
      if (now[asset] === expected) return [];
      const text = `${asset}: the chain holds ${now[asset]} base units more than the reserve, not ${expected}`;
      return [{ kind: 'books', text }];
    });
    return [...stuck, ...strayed];
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }

  async #surplusNow(): Promise<Readonly<Record<AssetName, bigint>>> {
    const { vault, hotWallet, trc20, trc10Id } = this.place;
    const [trc20Held, { trc10 }, rows] = await Promise.all([
      this.truth.trc20(trc20, vault),
      this.truth.holdings(hotWallet, trc10Id),
      this.#sql<{ no: bigint; units: bigint }[]>`
        select no, units from ledger.system_balances where kind = 6`,
    ]);
    const reserve = (asset: AssetName) =>
      (rows.find(({ no }) => no === BigInt(ASSET_NO[asset]))?.units ?? 0n) * BASE[asset];
    return {
      TRC20_BTT: trc20Held - reserve('TRC20_BTT'),
      TRC10_BTTOLD: trc10 - reserve('TRC10_BTTOLD'),
    };
  }

  async #booksFindings(): Promise<Finding[]> {
    const level = 'isolation level repeatable read read only';
    const found = await this.#sql.begin(level, async (sql) => {
      const findings: Finding[] = [];
      for (const { query } of CHECKS) {
        const rows = await sql.unsafe<{ text: string }[]>(`${query} limit 5`);
        findings.push(...rows.map(({ text }): Finding => ({ kind: 'books', text })));
      }
      return findings;
    });
    return found as Finding[];
  }

  // Ledger accounts: 1 available, 4 withdrawing, 6 reserve. Postings: 1 deposit.
  async #booked(): Promise<{ withdrawals: BookedWithdrawal[]; deposits: BookedDeposit[] }> {
    const withdrawals = await this.#sql<BookedWithdrawal[]>`
      select encode(w.withdrawal_id, 'hex') as id, w.state::int,
        coalesce(sum(j.units) filter (where j.other = 6), 0)::bigint as "paidUnits",
        coalesce(sum(j.units) filter (where j.other = 1), 0)::bigint as "refundedUnits",
        coalesce(sum(j.change), 0)::bigint as "openUnits"
      from ledger.withdrawals w
      left join (
        select debit_no as no, credit_kind as other, units, -units as change
        from ledger.journal where debit_kind = 4
        union all
        select credit_no, null, units, units from ledger.journal where credit_kind = 4
      ) j on j.no = w.withdrawal_no
      group by w.withdrawal_id, w.state`;
    const rows = await this.#sql<
      {
        txid: string;
        index: number;
        asset: number;
        address: string | null;
        units: bigint;
        postings: number;
      }[]
    >`
      select encode(d.txid, 'hex') as txid, d.index, d.asset::int, a.address, d.units,
        coalesce(j.postings, 0)::int as postings
      from ledger.deposits d
      left join ledger.accounts a using (account_no)
      left join (
        select reference, units, count(*) as postings from ledger.journal where kind = 1
        group by reference, units
      ) j on j.reference = d.txid and j.units = d.units`;
    const deposits = rows.map(
      ({ asset, address, ...row }): BookedDeposit => ({
        ...row,
        asset: ASSETS.find((name) => ASSET_NO[name] === asset) ?? 'TRC20_BTT',
        account: address === null ? undefined : chainHex(address),
      }),
    );
    return { withdrawals: [...withdrawals], deposits };
  }
}

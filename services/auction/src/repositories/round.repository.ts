import type { Database } from '#libs/database';
import { toHex } from '#libs/domain';
import type { RoundPage } from '../domain/cursor.js';
import type { Match } from '../domain/match.js';
import type { Round } from '../domain/round.js';
import { type MatchRow, matchColumns, matchOfRow } from './order.repository.js';

/** A round as listed. */
export type RoundSummary = Pick<
  Round,
  'roundNo' | 'swarm' | 'clearedAtMs' | 'priceUnits' | 'transcriptHash'
> & { readonly slotsMatched: number };

/** A round with what is needed to re-run it. */
export type RoundDetail = RoundSummary & {
  readonly transcript: string;
  readonly matches: readonly Match[];
};

type RoundRow = Omit<RoundSummary, 'swarm' | 'transcriptHash'> & {
  readonly swarm: Buffer;
  readonly transcriptHash: Buffer;
};

/** Reads cleared rounds. */
export class RoundRepository {
  constructor(private readonly database: Database) {}

  /** A page of rounds, newest first. */
  async list({ below, limit }: RoundPage): Promise<RoundSummary[]> {
    const { sql } = this.database;
    const rows = await sql<RoundRow[]>`
      select ${this.#columns()} from market.rounds
      ${below === undefined ? sql`` : sql`where round_no < ${below}`}
      order by round_no desc limit ${limit}`;
    return rows.map(summaryOf);
  }

  async find(roundNo: bigint): Promise<RoundDetail | undefined> {
    const { sql } = this.database;
    const [row] = await sql<(RoundRow & { transcript: string })[]>`
      select ${this.#columns()}, transcript from market.rounds where round_no = ${roundNo}`;
    if (row === undefined) return undefined;
    const matches = await sql<MatchRow[]>`
      select ${matchColumns(sql)} from market.matches where round_no = ${roundNo} order by line`;
    return { ...summaryOf(row), transcript: row.transcript, matches: matches.map(matchOfRow) };
  }

  #columns() {
    return this.database.sql`round_no as "roundNo", swarm, cleared_at_ms as "clearedAtMs",
      price_units as "priceUnits", slots_matched as "slotsMatched",
      transcript_hash as "transcriptHash"`;
  }
}

function summaryOf(row: RoundRow): RoundSummary {
  return {
    roundNo: row.roundNo,
    swarm: toHex(row.swarm),
    clearedAtMs: row.clearedAtMs,
    priceUnits: row.priceUnits,
    slotsMatched: row.slotsMatched,
    transcriptHash: toHex(row.transcriptHash),
  };
}

import type { Database } from '#libs/database';

/** A piece of stored leaves: those from a key on. */
export type LeavesFound = { readonly leaves: Buffer };

/** A piece of the nodes of a level. */
export type NodesFound = {
  readonly level: number;
  readonly chunkNo: number;
  readonly nodes: Buffer;
};

/** Leaves and nodes of stored epochs, for proofs. */
export class EpochProofRepository {
  constructor(private readonly database: Database) {}

  /** The piece in which the leaf of a key stands, if it has one. */
  async leavesAt(buildNo: bigint, kind: number, key: string): Promise<Buffer | undefined> {
    const [row] = await this.database.sql<LeavesFound[]>`
      select leaves from settlement.epoch_leaves
      where build_no = ${buildNo} and kind = ${kind} and first_key <= ${key}
      order by chunk_no desc limit 1`;
    return row?.leaves;
  }

  /** The piece of the lowest level in which the hash of a leaf stands, if it has one. */
  async bottomAt(buildNo: bigint, hash: Uint8Array): Promise<NodesFound | undefined> {
    const [row] = await this.database.sql<NodesFound[]>`
      select level::int, chunk_no as "chunkNo", nodes from settlement.epoch_nodes
      where build_no = ${buildNo} and level = 0 and first_hash <= ${Buffer.from(hash)}
      order by chunk_no desc limit 1`;
    return row;
  }

  /** Pieces by level and number, in any order. */
  async pieces(
    buildNo: bigint,
    wanted: readonly { readonly level: number; readonly chunkNo: number }[],
  ): Promise<NodesFound[]> {
    const { sql } = this.database;
    return sql<NodesFound[]>`
      select n.level::int, n.chunk_no as "chunkNo", n.nodes
      from unnest(${sql.array(
        wanted.map(({ level }) => level),
        1005,
      )}::smallint[], ${sql.array(
        wanted.map(({ chunkNo }) => chunkNo),
        1007,
      )}::int[]) w(level, chunk_no)
      join settlement.epoch_nodes n
        on n.build_no = ${buildNo} and n.level = w.level and n.chunk_no = w.chunk_no`;
  }
}

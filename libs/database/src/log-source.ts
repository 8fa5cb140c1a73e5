import type { Database } from './database.js';

/** What is remembered of the log that a topic's offsets are positions of. */
export type LogSource = {
  /** The Kafka cluster that holds it; null until the first start has adopted one. */
  readonly clusterId: string | null;
  /** What was found missing, or null. */
  readonly lost: string | null;
  /** By partition, the offset that application continues from. */
  readonly nextOffsets: ReadonlyMap<number, bigint>;
};

/** The schemas that apply a log; each has the tables `log_sources` and `log_offsets`. */
export type LogSchema = 'ledger' | 'market';

/** Rows of `log_sources` of one schema (see migrations/0006_log_sources.sql). */
export class LogSourceStore {
  constructor(
    private readonly database: Database,
    private readonly schema: LogSchema,
  ) {}

  /** What is remembered of a topic; throws when nothing is kept for it. */
  async read(topic: string): Promise<LogSource> {
    const { sql } = this.database;
    const [source] = await sql<{ clusterId: string | null; lost: string | null }[]>`
      select cluster_id as "clusterId", lost from ${this.#table('log_sources')}
      where topic = ${topic}`;
    if (source === undefined) throw new Error(`nothing is kept about the log ${topic}`);
    const offsets = await sql<{ part: number; next: bigint }[]>`
      select part, next_offset as next from ${this.#table('log_offsets')} where topic = ${topic}`;
    return { ...source, nextOffsets: new Map(offsets.map(({ part, next }) => [part, next])) };
  }

  /** Remembers the cluster, unless one is known already; returns the one that is known now. */
  async adopt(topic: string, clusterId: string): Promise<string> {
    const [row] = await this.database.sql<{ clusterId: string }[]>`
      update ${this.#table('log_sources')} set cluster_id = coalesce(cluster_id, ${clusterId})
      where topic = ${topic} returning cluster_id as "clusterId"`;
    if (row === undefined) throw new Error(`nothing is kept about the log ${topic}`);
    return row.clusterId;
  }

  /** Writes down what was found missing, so that a restart does not forget it. The first finding stays. */
  async markLost(topic: string, finding: string): Promise<void> {
    await this.database.sql`update ${this.#table('log_sources')}
      set lost = coalesce(lost, ${finding}) where topic = ${topic}`;
  }

  /**
   * An operator's decision: the topic's log is the one of this cluster from now on, and each partition
   * continues from the offset given, which is written down: nowhere else may offsets go back. Throws, having
   * changed nothing, when a partition has moved meanwhile.
   */
  async beginAnew(
    topic: string,
    clusterId: string,
    partitions: readonly { part: number; expected: bigint; next: bigint }[],
  ): Promise<void> {
    const atMs = BigInt(Date.now());
    await this.database.transaction(async ({ sql }) => {
      for (const { part, expected, next } of partitions) {
        const done = await sql`update ${sql(`${this.schema}.log_offsets`)}
          set next_offset = ${next}
          where topic = ${topic} and part = ${part} and next_offset = ${expected}`;
        if (done.count !== 1) throw new Error(`${topic} partition ${part} is being applied`);
        if (next === expected) continue;
        await sql`insert into ${sql(`${this.schema}.log_restarts`)}
          (topic, part, expected_offset, next_offset, cluster_id, at_ms)
          values (${topic}, ${part}, ${expected}, ${next}, ${clusterId}, ${atMs})`;
      }
      await sql`update ${sql(`${this.schema}.log_sources`)}
        set cluster_id = ${clusterId}, lost = null where topic = ${topic}`;
    });
  }

  #table(name: 'log_sources' | 'log_offsets') {
    return this.database.sql(`${this.schema}.${name}`);
  }
}

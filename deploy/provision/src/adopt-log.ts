import type { Kafka } from 'kafkajs';
import { TOPICS } from '#libs/contracts';
import { type Database, type LogSchema, LogSourceStore } from '#libs/database';
import { LogProbe, lossOf } from '#libs/kafka';

/** The logs that are applied once, with the schema that keeps their offsets. */
const LOGS: readonly { readonly topic: string; readonly schema: LogSchema }[] = [
  { topic: TOPICS.vouchers.name, schema: 'ledger' },
  { topic: TOPICS.marketMatches.name, schema: 'ledger' },
  { topic: TOPICS.marketOrders.name, schema: 'market' },
];

/** What stands against going on with one log, and what beginning anew would do. */
export type LogDecision = {
  readonly topic: string;
  readonly finding: string;
  readonly clusterId: string;
  readonly partitions: readonly { part: number; expected: bigint; next: bigint }[];
  readonly store: LogSourceStore;
};

/**
 * Looks at every log and returns those that services refuse. Beginning anew applies such a log from its first
 * record: what was applied before changes nothing when it comes again, and what was acknowledged since the
 * loss is in there.
 */
export async function refusedLogs(database: Database, kafka: Kafka): Promise<LogDecision[]> {
  const probe = new LogProbe(kafka);
  try {
    const decisions: LogDecision[] = [];
    for (const { topic, schema } of LOGS) {
      const store = new LogSourceStore(database, schema);
      const known = await store.read(topic);
      const { clusterId, ranges } = await probe.look(topic);
      const foreign =
        known.clusterId === null || known.clusterId === clusterId
          ? undefined
          : `it belonged to cluster ${known.clusterId}, this is cluster ${clusterId}`;
      const finding = known.lost ?? foreign ?? lossOf(known.nextOffsets, ranges);
      if (finding === undefined) continue;
      const partitions = [...known.nextOffsets].map(([part, expected]) => {
        const range = ranges.get(part);
        if (range === undefined) throw new Error(`${topic} has no partition ${part}`);
        return { part, expected, next: range.low };
      });
      decisions.push({ topic, finding, clusterId, partitions, store });
    }
    return decisions;
  } finally {
    await probe.close();
  }
}

/** Reports what is refused and, when confirmed, lets those logs begin anew. */
export async function adoptLog(
  database: Database,
  kafka: Kafka,
  confirmed: boolean,
): Promise<string> {
  const decisions = await refusedLogs(database, kafka);
  if (decisions.length === 0) return 'every log is the one that was applied: nothing to do';
  const lines: string[] = [];
  for (const { topic, finding, clusterId, partitions, store } of decisions) {
    lines.push(`${topic}: ${finding}`);
    const moved = partitions.filter(({ expected, next }) => expected !== next);
    lines.push(
      ...moved.map(({ part, expected, next }) => `  partition ${part}: ${expected} → ${next}`),
    );
    if (confirmed) await store.beginAnew(topic, clusterId, partitions);
  }
  lines.push(
    confirmed
      ? 'these logs are applied from there; start the services'
      : 'nothing was changed. Stop the services and repeat with --confirm to apply these logs from there; ' +
          'what stood in the lost part and was not applied yet is gone',
  );
  return lines.join('\n');
}

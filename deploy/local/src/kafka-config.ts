import { MESSAGE_BYTES_MAX } from './kafka-probe.js';

export interface KafkaConfig {
  readonly port: number;
  readonly controllerPort: number;
  readonly folder: string;
  /** Records after which the broker forces them to disk; by default it leaves that to the system. */
  readonly flushMessages?: number | undefined;
}

/** One node that is broker and controller. Every setting that matters is written out, defaults drift. */
export function kafkaProperties(config: KafkaConfig): string {
  const { port, controllerPort, folder, flushMessages } = config;
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `CLIENT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'CLIENT',
    // Backslashes would be escapes in a properties file.
    'log.dirs': folder.replaceAll('\\', '/'),
    // A killed broker may come back only when its former session has ended; by default after nine seconds.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 500,
    'auto.create.topics.enable': false,
    'delete.topic.enable': true,
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'unclean.leader.election.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    // Lets a crash test have a dead consumer's partitions handed over sooner than by default.
    'group.min.session.timeout.ms': 1_000,
    'message.max.bytes': MESSAGE_BYTES_MAX,
    'replica.fetch.max.bytes': MESSAGE_BYTES_MAX,
    'log.segment.bytes': 256 * 1024 * 1024,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.threads': 1,
    // Unused index space is not preallocated beyond this; a laptop has many small partitions.
    'log.index.size.max.bytes': 2 * 1024 * 1024,
    ...(flushMessages === undefined ? {} : { 'log.flush.interval.messages': flushMessages }),
  };
  return `${Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
}

/** The major version in what `java -version` prints: `17` of "17.0.15", `8` of the old "1.8.0". */
export function javaMajor(versionText: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(versionText);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

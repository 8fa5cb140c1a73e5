export { createKafka } from './client.js';
export { type LogRange, lossOf } from './log-loss.js';
export { LogProbe, type PresentLog } from './log-probe.js';
export {
  LogLostError,
  type LogMemory,
  LogWatch,
  type LogWatchOptions,
  watched,
} from './log-watch.js';
export {
  type InRecord,
  PartitionConsumer,
  type PartitionConsumerOptions,
  type PartitionHandler,
  StaleWriterError,
} from './partition-consumer.js';
export { LogRewoundError, type OutRecord, Producer, type Written } from './producer.js';
export { TopicReader, type TopicReaderOptions } from './topic-reader.js';
export { ensureTopics, haveLeaders, type TopicSpec } from './topics.js';

export { createKafka } from './client.js';
export {
  type InRecord,
  PartitionConsumer,
  type PartitionConsumerOptions,
  type PartitionHandler,
  StaleWriterError,
} from './partition-consumer.js';
export { type OutRecord, Producer, type Written } from './producer.js';
export { TopicReader, type TopicReaderOptions } from './topic-reader.js';
export { ensureTopics, type TopicSpec } from './topics.js';

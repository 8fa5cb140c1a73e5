export { eventually } from './eventually.js';
export { FakeClock } from './fake-clock.js';
export { freePort } from './free-port.js';
export { ledgerDigest, ledgerState } from './ledger-state.js';
export { startTestChain, type TestChain } from './test-chain.js';
export { freshDatabase, type TestDatabase, testDatabaseUrl } from './test-database.js';
export { freshTopic, type TopicOptions, testKafkaBrokers, uniqueTopic } from './test-kafka.js';

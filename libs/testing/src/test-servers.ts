import { startStack } from '../../../deploy/local/src/stack.js';
import { dockerHost, startContainers, type TestServers } from './container-servers.js';

/**
 * In this order: addresses in the environment, containers where a Docker engine answers and has
 * the images, else the local servers in `folder`, which end with this process however it ends.
 */
export async function startTestServers(
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<TestServers> {
  const given = { databaseUrl: env.DATABASE_URL, kafkaBrokers: env.KAFKA_BROKERS };
  const host = given.databaseUrl && given.kafkaBrokers ? undefined : await dockerHost();
  if (host) {
    try {
      return await startContainers(host, given);
    } catch (error) {
      process.stderr.write(`no containers for the tests, local servers instead: ${error}\n`);
    }
  }
  const stack = await startStack({
    dataDir: folder,
    parts: ['postgres', 'kafka'],
    guard: true,
    temporary: true,
    env,
    // The folder does not outlive the tests, so a power cut may take it.
    postgresSettings: { fsync: 'off', full_page_writes: 'off' },
  });
  const { databaseUrl = '', kafkaBrokers = '' } = stack.urls;
  return { databaseUrl, kafkaBrokers, stop: () => stack.stop() };
}

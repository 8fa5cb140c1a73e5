import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { flushMessagesOf } from '../../provision/src/topics.js';
import { prepareChain } from './chain.server.js';
import {
  type ComposeService,
  composeIsPossible,
  composeStop,
  composeUp,
} from './compose.server.js';
import { kafkaIsPossible, prepareKafka } from './kafka.server.js';
import { jarsAreCached, KAFKA_VERSION } from './kafka-jars.js';
import { createTopics, kafkaAnswers } from './kafka-probe.js';
import {
  DATABASE,
  ensureDatabase,
  postgresAnswers,
  postgresPrograms,
  preparePostgres,
} from './postgres.server.js';
import { databaseUrl } from './postgres-config.js';
import { readSecret } from './secrets.js';
import {
  ADDRESS_VARIABLE,
  chooseSource,
  SERVERS,
  type ServerName,
  type Source,
} from './server-sources.js';
import { portOf } from './service-specs.js';
import type { StackContext } from './stack-context.js';
import type { Endpoints } from './state-file.js';

/** Where each wanted server comes from. */
export type ServerPlan = ReadonlyMap<ServerName, Source>;

/** Decides everything before anything starts, so that what is missing is said at once. */
export function planServers({ parts, env }: StackContext): ServerPlan {
  let compose: boolean | undefined;
  const possible = {
    localPostgres: () => postgresPrograms() !== undefined,
    localKafka: kafkaIsPossible,
    compose: () => {
      compose ??= composeIsPossible();
      return compose;
    },
  };
  const wanted = SERVERS.filter((name) => parts.has(name));
  return new Map(wanted.map((name) => [name, chooseSource(name, env, possible)]));
}

function addEndpoint({ recorder }: StackContext, endpoint: Partial<Endpoints>): void {
  const { endpoints } = recorder.current;
  recorder.update({ endpoints: { ...endpoints, ...endpoint } });
}

async function startPostgres(context: StackContext): Promise<void> {
  const { folder, recorder, options } = context;
  const { ports, secrets } = recorder.current;
  const piece = preparePostgres({
    folder: folder.postgres,
    logFile: join(folder.logs, 'postgres.log'),
    port: portOf(ports, 'postgres'),
    password: readSecret(secrets.postgresPassword),
    settings: options.postgresSettings ?? {},
    restart: options.restart ?? true,
  });
  const port = portOf(ports, 'postgres');
  await context.launch(piece.spec, port, `postgres://127.0.0.1:${port}/${DATABASE}`);
  await ensureDatabase(piece.maintenanceUrl);
  addEndpoint(context, { databaseUrl: piece.url });
}

async function startKafka(context: StackContext): Promise<void> {
  const { folder, recorder, options, progress } = context;
  const { ports } = recorder.current;
  const done = jarsAreCached() ? undefined : progress.step(`Kafka ${KAFKA_VERSION} download`);
  const port = portOf(ports, 'kafka');
  const piece = await prepareKafka({
    folder: folder.kafka,
    logFile: join(folder.logs, 'kafka.log'),
    port,
    controllerPort: portOf(ports, 'kafka-controller'),
    restart: options.restart ?? true,
    flushMessages: flushMessagesOf(context.env),
    signal: context.stopSignal,
  });
  done?.('checked');
  await context.launch(piece.spec, port, piece.brokers);
  await createTopics(piece.brokers);
  addEndpoint(context, { kafkaBrokers: piece.brokers });
}

async function startChain(context: StackContext): Promise<void> {
  const { folder, recorder, options } = context;
  const port = portOf(recorder.current.ports, 'chain');
  const piece = prepareChain({
    folder: folder.chain,
    logFile: join(folder.logs, 'chain.log'),
    port,
    blockIntervalMs: options.blockIntervalMs ?? 300,
    restart: options.restart ?? true,
  });
  await context.launch(piece.spec, port, piece.url);
  addEndpoint(context, { tronNodeUrl: piece.url });
}

/** Takes a server by its address from the environment; it must answer now. */
async function useExternal(context: StackContext, name: ServerName): Promise<void> {
  const variable = ADDRESS_VARIABLE[name];
  const address = context.env[variable] ?? '';
  const done = context.progress.step(name);
  if (name === 'postgres' && !(await postgresAnswers(address))) {
    throw new Error(`the Postgres server of ${variable} does not answer`);
  }
  if (name === 'kafka') {
    if (!(await kafkaAnswers(address))) throw new Error(`no broker of ${variable} answers`);
    await createTopics(address, flushMessagesOf(context.env));
  }
  const endpoint = { postgres: 'databaseUrl', kafka: 'kafkaBrokers', chain: 'tronNodeUrl' }[name];
  addEndpoint(context, { [endpoint]: address });
  // The address may hold a password: only its host is shown.
  const shown = name === 'postgres' ? new URL(address).host : address;
  context.recorder.addServer(name, 'environment', shown);
  done(`${shown} (from ${variable})`);
}

/** One Compose project for each data folder, so that two stacks have containers of their own. */
function composeOptions({ folder, recorder, env }: StackContext) {
  const { ports, secrets } = recorder.current;
  const digest = createHash('sha256').update(folder.path).digest('hex').slice(0, 8);
  return {
    project: `swarmledger-${digest}`,
    postgresPassword: readSecret(secrets.postgresPassword),
    postgresPort: ports.postgres ?? 0,
    kafkaPort: ports.kafka ?? 0,
    flushMessages: flushMessagesOf(env),
  };
}

async function startContainers(context: StackContext, names: ComposeService[]): Promise<void> {
  const options = composeOptions(context);
  context.recorder.update({ composeProject: options.project });
  const done = context.progress.step(`docker compose ${names.join(' ')}`);
  await composeUp(options, names);
  for (const name of names) {
    const port = name === 'postgres' ? options.postgresPort : options.kafkaPort;
    if (name === 'postgres') {
      const address = { user: 'swarmledger', password: options.postgresPassword, port };
      addEndpoint(context, { databaseUrl: databaseUrl({ ...address, database: DATABASE }) });
    } else {
      await createTopics(`127.0.0.1:${port}`);
      addEndpoint(context, { kafkaBrokers: `127.0.0.1:${port}` });
    }
    context.recorder.addServer(name, 'compose', `127.0.0.1:${port}`);
  }
  done('healthy');
}

/** Starts all planned servers side by side. */
export async function startServers(context: StackContext, plan: ServerPlan): Promise<void> {
  const starters = { postgres: startPostgres, kafka: startKafka, chain: startChain };
  const inCompose: ComposeService[] = [];
  const starts: Promise<void>[] = [];
  for (const [name, source] of plan) {
    if (source === 'environment') starts.push(useExternal(context, name));
    else if (source === 'local') starts.push(starters[name](context));
    else if (name !== 'chain') inCompose.push(name);
  }
  if (inCompose.length > 0) starts.push(startContainers(context, inCompose));
  await Promise.all(starts);
}

export async function stopContainers(context: StackContext, plan: ServerPlan): Promise<void> {
  if ([...plan.values()].includes('compose')) await composeStop(composeOptions(context));
}

import 'reflect-metadata';
import type { Server } from '@grpc/grpc-js';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { NestMicroservice } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { assertLimits } from '#libs/domain';
import { Health, type Logger, nestLogger } from '#libs/observability';
import { keepClosingConnections } from './closing-connections.js';
import { refuseCompressed } from './compression.js';
import { boundConnections } from './connection-bounds.js';
import { hostsBut } from './host.js';
import { boundMessages } from './message-bounds.js';
import { RefusalFilter } from './refusal.filter.js';
import { type GrpcPortOptions, grpcMicroservice } from './server.js';
import { ServingStatus } from './serving-status.js';

/** One process of the cluster: an HTTP port for probes (and pages) and any number of gRPC ports. */
export type ServiceOptions = {
  readonly name: string;
  readonly logger: Logger;
  readonly host: string;
  readonly httpPort: number;
  readonly module: ModuleMetadata;
  readonly grpcPorts: readonly GrpcPortOptions[];
  /** Addresses from which connections of many hosts come. */
  readonly proxies?: readonly string[];
  /** Called before listening, e.g. to add fastify plugins. */
  readonly configure?: (app: NestFastifyApplication) => Promise<void>;
};

type Tools = {
  readonly logger: Logger;
  readonly serving: ServingStatus;
  readonly hostOf: (peer: string) => string | undefined;
  /** Each ends the waiting for the calls of one port. */
  readonly cuts: (() => void)[];
};

const DRAIN_MS = 10_000;

// What is in flight is answered by then. Calls that go on, as those that watch our health or never read, would keep the
// ports from closing.
const CUT_MS = 7_500;

/**
 * Starts a service and stops it cleanly on SIGTERM or SIGINT: first not ready, then no new work, then
 * what is in flight, then the stores (through Nest's shutdown hooks). Ten seconds at most: calls that do not
 * end by themselves are cut.
 */
export async function runService(options: ServiceOptions): Promise<INestApplication> {
  assertLimits();
  const { logger, name, host } = options;
  failLoudly(logger);
  const hostOf = hostsBut(options.proxies ?? []);
  const tools: Tools = { logger, serving: new ServingStatus(), hostOf, cuts: [] };
  const { serving } = tools;
  const { module } = options;
  class RootModule {}
  Module({
    ...module,
    // Among the providers, so that closing the application is told to it first.
    providers: [...(module.providers ?? []), { provide: ServingStatus, useValue: serving }],
  })(RootModule);
  const app = await NestFactory.create<NestFastifyApplication>(
    RootModule,
    new FastifyAdapter({ bodyLimit: 64 * 1024, forceCloseConnections: true }),
    { logger: nestLogger(logger), abortOnError: false },
  );
  for (const grpcPort of options.grpcPorts) {
    connectGrpc(app, grpcPort, tools);
  }
  await options.configure?.(app);
  // Stores and producers first, so that the first request already finds them.
  await app.init();
  const ports = options.grpcPorts.map(({ port }) => port);
  await app.startAllMicroservices();
  await app.listen(options.httpPort, host);
  if (options.grpcPorts.length > 0) await serving.follow(app.get(Health));
  stopOnSignal(app, tools);
  logger.info({ httpPort: options.httpPort, grpcPorts: ports }, `${name} is listening`);
  return app;
}

// Filters must be there before the handlers are bound, so binding is deferred until the port opens.
// Nest would then run the lifecycle hooks once per port; they are the application's alone.
function connectGrpc(
  app: INestApplication,
  port: GrpcPortOptions,
  { logger, serving, hostOf, cuts }: Tools,
): void {
  // Of its own for every port: strangers who fill the public one leave the internal one alone.
  boundConnections(port.port, hostOf);
  refuseCompressed(port.port);
  keepClosingConnections(port.port);
  const { onTaken } = boundMessages(port.port, hostOf);
  const onServer = (server: Server) => {
    cuts.push(boundShutdown(server));
    port.onServer?.(server);
  };
  const options = grpcMicroservice({ ...port, onServer, onTaken }, serving);
  const microservice = app.connectMicroservice(options, { deferInitialization: true });
  microservice.useGlobalFilters(new RefusalFilter(logger));
  if (!(microservice instanceof NestMicroservice)) throw new Error('not a Nest microservice');
  microservice.setIsInitHookCalled(true);
}

/**
 * Lets whoever shuts the server down wait for its calls only until the returned function is called. What goes on then ends
 * with the process: grpc-js itself cannot cut connections that are already closing.
 */
function boundShutdown(server: Server): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  const tryShutdown = server.tryShutdown.bind(server);
  server.tryShutdown = (done) => {
    void promise.then(() => done());
    tryShutdown(done);
  };
  return resolve;
}

function stopOnSignal(app: INestApplication, { logger, serving, cuts }: Tools): void {
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'stopping');
    setTimeout(() => {
      logger.error('did not stop in time');
      process.exit(1);
    }, DRAIN_MS).unref();
    setTimeout(() => {
      for (const cut of cuts) cut();
    }, CUT_MS).unref();
    app.get(Health).drain();
    serving.drain();
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
}

// A process in an unknown state must not go on booking money; the supervisor starts a fresh one.
function failLoudly(logger: Logger): void {
  const die = (error: unknown) => {
    logger.fatal({ err: error }, 'unexpected error, the process ends');
    process.exit(70);
  };
  process.once('uncaughtException', die);
  process.once('unhandledRejection', die);
}

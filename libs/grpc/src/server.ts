import { createRequire } from 'node:module';
import { setDefaultHighWaterMark } from 'node:stream';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { type GrpcOptions, Transport } from '@nestjs/microservices';
import { PACKAGE, packageDefinition, type ServiceName } from '#libs/contracts';
import { LIMITS } from '#libs/domain';
import { decodeWhenTaken, type OnTaken } from './request-decoding.js';
import type { ServingStatus } from './serving-status.js';

const require = createRequire(import.meta.url);

/** How one gRPC port of a service is served. */
export type GrpcPortOptions = {
  readonly services: readonly ServiceName[];
  readonly host: string;
  readonly port: number;
  /** Reflection lets grpcurl explore the API; off in production. */
  readonly reflection: boolean;
  /** TLS, where the port is not behind something that has it. Default: none. */
  readonly credentials?: ServerCredentials;
  /** Told whenever a call takes a message. Default: nobody. */
  readonly onTaken?: OnTaken;
  /** Adds raw services next to Nest's, e.g. a hot stream. */
  readonly onServer?: (server: Server) => void;
};

/**
 * Channel options of every server. grpc-js leaves most of them unbounded; these bound streams,
 * memory, message size and the life of a connection.
 *
 * How many connections there are, and how slowly they may begin, is the part of connection-bounds.ts; compressed requests
 * are that of compression.ts, and what waits to be taken that of message-bounds.ts; what becomes of calls on connections that are told to go is that of closing-connections.ts.
 */
export const SERVER_CHANNEL_OPTIONS = {
  /** Calls of one connection at a time. */
  'grpc.max_concurrent_streams': 64,
  'grpc.max_receive_message_length': LIMITS.requestBytesMax,
  'grpc.max_send_message_length': 4 * 1024 * 1024,
  /** A peer that is gone is noticed within 40 seconds. */
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  /** Connections without calls go after five minutes. */
  'grpc.max_connection_idle_ms': 300_000,
  /** All others are told to go after half an hour, and are cut when they have not five minutes later. */
  'grpc.max_connection_age_ms': 1_800_000,
  'grpc.max_connection_age_grace_ms': 300_000,
  /** Megabytes that HTTP/2 may hold for one connection. */
  'grpc-node.max_session_memory': 10,
  /** Counts every message for a debugging service that is not served. */
  'grpc.enable_channelz': 0,
} as const;

/**
 * Messages of a stream that are received before somebody takes them. Node's default of 16 would let a
 * connection of 64 streams, none of them read, fill a gigabyte with messages of 1 MiB.
 */
export const READ_AHEAD_MESSAGES = 2;

/** Options of a Nest gRPC microservice with health, reflection and bounded channels. */
export function grpcMicroservice(options: GrpcPortOptions, serving: ServingStatus): GrpcOptions {
  // grpc-js makes its streams with Node's default, so there is no other place to say it.
  setDefaultHighWaterMark(true, READ_AHEAD_MESSAGES);
  return {
    transport: Transport.GRPC,
    options: {
      package: PACKAGE,
      packageDefinition: packageDefinition(options.services),
      url: `${options.host}:${options.port}`,
      credentials: options.credentials ?? ServerCredentials.createInsecure(),
      gracefulShutdown: true,
      channelOptions: SERVER_CHANNEL_OPTIONS,
      onLoadPackageDefinition: (_pkg: unknown, server: Server) => {
        decodeWhenTaken(server, options.onTaken ?? (() => undefined));
        serving.addTo(server, options.services);
        if (options.reflection) addReflection(server);
        options.onServer?.(server);
      },
    },
  };
}

// Reflection needs descriptors, which the generated codecs do not carry: it reads the .proto files.
// It is loaded only where it is wanted, since production images do not hold it.
function addReflection(server: Server): void {
  const { loadSync } = require('@grpc/proto-loader') as typeof import('@grpc/proto-loader');
  const { ReflectionService } = require('@grpc/reflection') as typeof import('@grpc/reflection');
  const root = protoRoot();
  const files = ['voucher', 'ledger', 'books', 'market', 'settlement'];
  const definition = loadSync(
    files.map((name) => `swarmledger/v1/${name}.proto`),
    { includeDirs: [root] },
  );
  new ReflectionService(definition).addToServer(server);
}

function protoRoot(): string {
  // dist/libs/grpc/src/server.js and libs/grpc/src/server.ts are at different depths below the root.
  const here = import.meta.dirname;
  const up = here.includes(`${'dist'}/libs`) ? '../../../..' : '../../..';
  return new URL(`${up}/proto`, `file://${here}/`).pathname;
}

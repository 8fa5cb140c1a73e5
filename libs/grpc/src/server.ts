import { createRequire } from 'node:module';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { type GrpcOptions, Transport } from '@nestjs/microservices';
import { HealthImplementation } from 'grpc-health-check';
import { PACKAGE, packageDefinition, type ServiceName } from '#libs/contracts';
import { LIMITS } from '#libs/domain';

const require = createRequire(import.meta.url);

/** How one gRPC port of a service is served. */
export type GrpcPortOptions = {
  readonly services: readonly ServiceName[];
  readonly host: string;
  readonly port: number;
  /** Reflection lets grpcurl explore the API; off in production. */
  readonly reflection: boolean;
  /** Adds raw services next to Nest's, e.g. a hot stream. */
  readonly onServer?: (server: Server) => void;
};

/**
 * Channel options of every server. grpc-js leaves most of them unbounded; these bound streams,
 * memory, message size and the life of a connection.
 */
export const SERVER_CHANNEL_OPTIONS = {
  'grpc.max_concurrent_streams': 64,
  'grpc.max_receive_message_length': LIMITS.requestBytesMax,
  'grpc.max_send_message_length': 4 * 1024 * 1024,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.max_connection_idle_ms': 300_000,
  'grpc-node.max_session_memory': 10,
} as const;

/** Options of a Nest gRPC microservice with health, reflection and bounded channels. */
export function grpcMicroservice(options: GrpcPortOptions): GrpcOptions {
  return {
    transport: Transport.GRPC,
    options: {
      package: PACKAGE,
      packageDefinition: packageDefinition(options.services),
      url: `${options.host}:${options.port}`,
      credentials: ServerCredentials.createInsecure(),
      gracefulShutdown: true,
      channelOptions: SERVER_CHANNEL_OPTIONS,
      onLoadPackageDefinition: (_pkg: unknown, server: Server) => {
        addHealth(server, options.services);
        if (options.reflection) addReflection(server);
        options.onServer?.(server);
      },
    },
  };
}

function addHealth(server: Server, services: readonly ServiceName[]): void {
  const statuses = Object.fromEntries(
    ['', ...services.map((name) => `${PACKAGE}.${name}`)].map((name) => [name, 'SERVING' as const]),
  );
  new HealthImplementation(statuses).addToServer(server);
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

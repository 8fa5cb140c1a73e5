import {
  type ChannelCredentials,
  type ClientDuplexStream,
  credentials,
  makeGenericClientConstructor,
  type ServiceClientConstructor,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { iteration, metric } from './state.js';

/** `k6/metrics`. */
export class Counter {
  readonly #metric;
  constructor(name: string) {
    this.#metric = metric(name, 'counter');
  }
  add(value: number): void {
    this.#metric.add(value);
  }
}

/** `k6/metrics`. */
export class Rate {
  readonly #metric;
  constructor(name: string) {
    this.#metric = metric(name, 'rate');
  }
  add(value: boolean | number): void {
    this.#metric.add(value);
  }
}

/** `k6/metrics`. */
export class Trend {
  readonly #metric;
  constructor(name: string) {
    this.#metric = metric(name, 'trend');
  }
  add(value: number): void {
    this.#metric.add(value);
  }
}

/** `k6/data`: one process has one copy anyway. */
export function SharedArray(this: unknown, _name: string, make: () => unknown[]): unknown[] {
  return make();
}

/** `k6/execution`, the part that the script uses. */
export const execution = {
  scenario: {
    get iterationInTest(): number {
      const number = iteration.getStore();
      if (number === undefined) throw new Error('iterationInTest is known in an iteration only');
      return number;
    },
  },
};

/** k6 has a connection per virtual user; these are as many as its smallest run has. */
const CONNECTIONS = 32;

/** An answer as k6 gives it: the message in protobuf's JSON form. */
type Answer = {
  readonly status: number;
  readonly message: unknown;
  readonly error: { readonly code: number; readonly message: string } | null;
};

/** `k6/net/grpc`'s client: unary calls of services that are loaded from .proto files. */
export class Client {
  readonly #services = new Map<string, ServiceClientConstructor>();
  #address = '';
  #credentials: ChannelCredentials | undefined;
  readonly #clients = new Map<string, InstanceType<ServiceClientConstructor>>();

  load(importPaths: string[], ...files: string[]): void {
    const loaded = loadSync(files, {
      includeDirs: importPaths,
      longs: String,
      enums: String,
      bytes: String,
      defaults: true,
    });
    for (const [name, definition] of Object.entries(loaded)) {
      if (isService(definition)) {
        this.#services.set(name, makeGenericClientConstructor(definition, name));
      }
    }
  }

  connect(address: string, options: { plaintext?: boolean }): void {
    this.#address = address;
    this.#credentials = options.plaintext ? credentials.createInsecure() : credentials.createSsl();
  }

  asyncInvoke(path: string, request: unknown, options: { timeout?: string } = {}): Promise<Answer> {
    const [service = '', method = ''] = path.split('/');
    const call = this.#client(service)[method[0]?.toLowerCase() + method.slice(1)];
    if (typeof call !== 'function') throw new Error(`no method ${path}`);
    const seconds = Number.parseFloat(options.timeout ?? '60s');
    const deadline = Date.now() + seconds * 1_000;
    const startedMs = performance.now();
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, message: unknown) => {
        metric('grpc_req_duration', 'trend').add(performance.now() - startedMs);
        if (error === null) resolve({ status: status.OK, message, error: null });
        else {
          const { code, details } = error;
          resolve({ status: code, message: null, error: { code, message: details } });
        }
      };
      call.call(this.#client(service), request, { deadline }, done);
    });
  }

  /** Opens a call of a streaming method; used by {@link Stream} only. */
  openStream(path: string, seconds: number): ClientDuplexStream<unknown, unknown> {
    const [service = '', method = ''] = path.split('/');
    const call = this.#client(service)[method[0]?.toLowerCase() + method.slice(1)];
    if (typeof call !== 'function') throw new Error(`no method ${path}`);
    const deadline = Date.now() + seconds * 1_000;
    return call.call(this.#client(service), { deadline }) as never;
  }

  // Iterations take turns with the connections.
  #client(service: string): InstanceType<ServiceClientConstructor> {
    const key = `${service} ${(iteration.getStore() ?? 0) % CONNECTIONS}`;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const Constructor = this.#services.get(service);
    if (Constructor === undefined || this.#credentials === undefined) {
      throw new Error(`${service} is not loaded or not connected`);
    }
    const client = new Constructor(this.#address, this.#credentials, {
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#clients.set(key, client);
    return client;
  }
}

function isService(definition: object): definition is ServiceDefinition {
  return !('format' in definition);
}

/** `k6/net/grpc`'s stream: an error comes as an event, and then the end. */
export class Stream {
  readonly #call: ClientDuplexStream<unknown, unknown>;

  constructor(client: Client, path: string, options: { timeout?: string } = {}) {
    this.#call = client.openStream(path, Number.parseFloat(options.timeout ?? '60s'));
    // The status comes once however the call ends; an error is one of its forms.
    this.#call.on('error', () => undefined);
  }

  on(event: 'data' | 'error' | 'end', handler: (value?: unknown) => void): void {
    if (event === 'data') this.#call.on('data', handler);
    else if (event === 'error') this.#call.on('error', handler);
    else this.#call.on('status', () => handler());
  }

  write(message: unknown): void {
    this.#call.write(message);
  }

  end(): void {
    this.#call.end();
  }
}

/** `k6/net/grpc`. */
export const grpc = { Client, Stream, StatusOK: status.OK };

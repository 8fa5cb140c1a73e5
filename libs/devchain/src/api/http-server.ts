import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Faults } from '../chain/faults.js';
import { AddressError } from '../codec/address.js';
import { isObject, JsonError, type JsonObject, parseJson, printJson } from '../codec/json.js';
import { ProtobufError } from '../codec/protobuf.js';
import { TransactionRefused } from '../execution/outcome.js';
import { alterTransactions } from './lies.js';
import type { Handler, Handlers } from './request.js';

const BODY_BYTES_MAX = 1024 * 1024;
const CONNECTIONS_MAX = 1_024;
const REQUEST_TIMEOUT_MS = 30_000;

class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function readBody(request: http.IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_BYTES_MAX) {
      throw new HttpError(413, `body size is too big, the limit is ${BODY_BYTES_MAX}`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parseParams(url: URL, body: string): JsonObject {
  const params: JsonObject = {};
  for (const [name, value] of url.searchParams) {
    params[name] = value === 'true' ? true : value === 'false' ? false : value;
  }
  if (body.trim() === '') return params;
  const json = parseJson(body);
  if (!isObject(json)) throw new JsonError('the body must be a JSON object');
  return { ...params, ...json };
}

/** Names an error as java-tron does: the exception's class, then its message. */
function describe(error: unknown): string {
  if (error instanceof TransactionRefused) {
    return `class org.tron.core.exception.ContractValidateException : ${error.message}`;
  }
  if (
    error instanceof AddressError ||
    error instanceof JsonError ||
    error instanceof ProtobufError
  ) {
    return `class java.lang.IllegalArgumentException : ${error.message}`;
  }
  if (error instanceof RangeError || error instanceof HttpError) return error.message;
  return `class java.lang.Exception : ${error instanceof Error ? error.message : 'unknown'}`;
}

export interface HttpRoutes {
  /** Below /wallet and /walletsolidity. */
  readonly wallet: Handlers;
  /** Below /dev. */
  readonly dev: Handlers;
  /** GET /healthz. */
  readonly health: () => JsonObject;
}

/** Serves the node's HTTP API. */
export class HttpServer {
  private readonly server: http.Server;

  constructor(
    private readonly routes: HttpRoutes,
    private readonly faults: Faults,
  ) {
    this.server = http.createServer((request, response) => {
      void this.serve(request, response);
    });
    this.server.maxConnections = CONNECTIONS_MAX;
    this.server.requestTimeout = REQUEST_TIMEOUT_MS;
  }

  /** @returns the port it listens on */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let asText = false;
    let status = 200;
    let answer: unknown;
    try {
      const url = new URL(request.url ?? '/', 'http://node');
      await this.disturb(url.pathname, 'before');
      const params = parseParams(url, await readBody(request));
      asText = params.int64_as_string === true;
      const lie = this.faults.take('answer', url.pathname);
      answer = lie === undefined ? await this.dispatch(url.pathname, params) : lie.body;
      if (this.faults.take('alter', url.pathname) !== undefined) answer = alterTransactions(answer);
      await this.disturb(url.pathname, 'after');
    } catch (error) {
      if (error instanceof HttpError) status = error.status;
      answer = { Error: describe(error) };
    }
    if (response.destroyed) return;
    const body = printJson(answer, asText);
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
    response.end(body);
  }

  private async disturb(path: string, when: 'before' | 'after'): Promise<void> {
    if (path.startsWith('/dev/') || path === '/healthz') return;
    if (when === 'before') {
      const failure = this.faults.take('http-error', path);
      if (failure !== undefined) throw new HttpError(failure.status, 'fault injected');
    }
    const delay = this.faults.take(when === 'before' ? 'delay-before' : 'delay-after', path);
    if (delay !== undefined) await sleep(delay.delayMs, undefined, { ref: false });
  }

  private dispatch(path: string, params: JsonObject): unknown {
    if (path === '/healthz') return this.routes.health();
    const [, area = '', name = '', ...rest] = path.split('/');
    const table = area === 'dev' ? this.routes.dev : this.routes.wallet;
    const known = area === 'dev' || area === 'wallet' || area === 'walletsolidity';
    const handler: Handler | undefined =
      known && rest.length === 0 && Object.hasOwn(table, name.toLowerCase())
        ? table[name.toLowerCase()]
        : undefined;
    if (handler === undefined) throw new HttpError(404, `no such method: ${path}`);
    return handler({
      params,
      solid: area === 'walletsolidity',
      solidBehind: this.faults.take('stale-solid', path)?.blocks ?? 0,
      visible: params.visible === true,
    });
  }
}

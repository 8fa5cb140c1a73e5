import { providers } from 'tronweb';
import type { z } from 'zod';
import { TronNodeError } from './errors.js';
import { parseNodeJson } from './node-json.js';
import { readBounded } from './read-bounded.js';

/** How to reach a node. */
export type NodeOptions = {
  readonly url: string;
  readonly timeoutMs: number;
  /** For services that want a key, e.g. `TRON-PRO-API-KEY`. */
  readonly headers?: Readonly<Record<string, string>>;
};

// A node that asks for an hour would be a node switched off by its own word.
const REST_MAX_MS = 60_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/**
 * One node's HTTP API: every request has a deadline, every failure a class, and integers keep all
 * their digits. It is tronweb's provider too, so that tronweb's own calls behave the same.
 */
export class NodeProvider extends providers.HttpProvider {
  constructor(private readonly options: NodeOptions) {
    super(options.url, options.timeoutMs);
  }

  /** Calls `path` and checks the answer's form. */
  async ask<S extends z.ZodType>(path: string, payload: object, schema: S): Promise<z.infer<S>> {
    const answer = await this.request(path, payload);
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    const error = errorText(answer);
    if (error !== undefined) throw new TronNodeError('refused', `${path}: ${error}`);
    throw new TronNodeError(
      'malformed',
      `${path}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'unexpected answer'}`,
    );
  }

  override async request<T = unknown>(path: string, payload: object = {}): Promise<T> {
    const { response, text } = await this.exchange(path, payload);
    if (response.status === 429 || response.status >= 500) {
      throw new TronNodeError('overloaded', `${path}: the node answered ${response.status}`, {
        retryAfterMs: retryAfterMs(response.headers.get('retry-after'), Date.now()),
      });
    }
    if (response.status >= 300 && response.status < 400) {
      throw new TronNodeError('unreachable', `${path}: the node sends us elsewhere`);
    }
    if (!response.ok) {
      throw new TronNodeError('refused', `${path}: the node answered ${response.status}`);
    }
    try {
      return parseNodeJson(text) as T;
    } catch (cause) {
      throw new TronNodeError('malformed', `${path}: the answer is not JSON`, { cause });
    }
  }

  private async exchange(path: string, payload: object, again = true): Promise<Exchange> {
    const { url, timeoutMs, headers } = this.options;
    try {
      const response = await fetch(`${url.replace(/\/+$/, '')}/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(payload),
        signal: AbortSignal.timeout(timeoutMs),
        // Where a node would send us is not the node that was chosen, and our API key is none of its business.
        redirect: 'manual',
      });
      return { response, text: await readBounded(response, ANSWER_BYTES_MAX, path) };
    } catch (cause) {
      if (cause instanceof TronNodeError) throw cause;
      if (cause instanceof Error && cause.name === 'TimeoutError') {
        throw new TronNodeError('timeout', `${path}: no answer within ${timeoutMs} ms`, { cause });
      }
      // Servers close idle connections at the moment they are used again. All requests here may be
      // repeated, a broadcast too: it carries the very same bytes.
      if (again && wasReset(cause)) return this.exchange(path, payload, false);
      throw new TronNodeError('unreachable', `${path}: the node cannot be reached`, { cause });
    }
  }
}

type Exchange = { readonly response: Response; readonly text: string };

const RESETS = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

function wasReset(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && RESETS.has(String(cause.code));
}

/** Reads Retry-After, in seconds or as a date; undefined when it is neither. At most a minute. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  const isSeconds = /^\d{1,9}$/.test(text);
  if (!isSeconds && !/^[A-Z][a-z]{2}, /.test(text)) return undefined;
  const ms = isSeconds ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), REST_MAX_MS);
}

function errorText(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null || !('Error' in answer)) return undefined;
  return String(answer.Error);
}

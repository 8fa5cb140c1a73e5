import { type ChannelCredentials, type ClientOptions, credentials, Metadata } from '@grpc/grpc-js';
import { type CallPolicy, DEFAULT_POLICY } from './policy.js';
import { SESSION_TRAILER } from './trailers.js';
import type { Wallet } from './wallet.js';

/** How a client of one service connects. */
export type ClientSettings = {
  /** TLS credentials; without them the connection is plain text. */
  readonly credentials?: ChannelCredentials | undefined;
  /** Parts of the call policy that shall differ from the default. */
  readonly policy?: Partial<CallPolicy> | undefined;
};

/** Answers of up to 4 MiB, keepalive, and a quick return after a server restarts. */
export const CHANNEL_OPTIONS: ClientOptions = {
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
};

/** Credentials of the settings. */
export function credentialsOf(settings: ClientSettings): ChannelCredentials {
  return settings.credentials ?? credentials.createInsecure();
}

/** The whole policy of the settings. */
export function policyOf(settings: ClientSettings): CallPolicy {
  return { ...DEFAULT_POLICY, ...settings.policy };
}

const SESSION_MS = 3_600_000;
const SESSION_RENEW_MS = 300_000;

/** Session metadata of a wallet: signed when needed, used again until it nears its end. */
export class SessionSource {
  #metadata: Metadata | undefined;
  #validUntilMs = 0;

  constructor(
    private readonly wallet: Wallet,
    private readonly nowMs: () => number,
  ) {}

  /** Metadata for one call; a fresh one on demand. */
  metadata(fresh = false): Metadata {
    const nowMs = this.nowMs();
    if (fresh || this.#metadata === undefined || this.#validUntilMs - nowMs < SESSION_RENEW_MS) {
      this.#validUntilMs = nowMs + SESSION_MS;
      this.#metadata = new Metadata();
      this.#metadata.set(SESSION_TRAILER, this.wallet.session(BigInt(this.#validUntilMs)));
    }
    return this.#metadata.clone();
  }
}

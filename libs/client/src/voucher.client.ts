import { VoucherServiceClient } from '#libs/contracts';
import {
  CHANNEL_OPTIONS,
  type ClientSettings,
  credentialsOf,
  policyOf,
  SessionSource,
} from './connection.js';
import { type PaymentResults, type Payments, resultsFromWire } from './outcomes.js';
import { PackedStream, type PackedStreamSettings } from './packed.stream.js';
import type { CallPolicy } from './policy.js';
import { batchOf, postUntilSettled } from './settle.js';
import { callUnary } from './unary.js';
import { type StreamSettings, VoucherStream } from './voucher.stream.js';
import type { Wallet } from './wallet.js';

/** VoucherService: posts payments one request at a time, or over a stream that mends itself. */
export class VoucherClient {
  readonly #grpc: VoucherServiceClient;
  readonly #policy: CallPolicy;

  constructor(address: string, settings: ClientSettings = {}) {
    this.#grpc = new VoucherServiceClient(address, credentialsOf(settings), CHANNEL_OPTIONS);
    this.#policy = policyOf(settings);
  }

  /**
   * Posts up to 4096 payments and returns what became of each. Payments refused for now
   * (UNAVAILABLE, OVERLOADED, OUTCOME_UNKNOWN) are sent again until the policy's time is over.
   */
  post(payments: Payments): Promise<PaymentResults> {
    const method = this.#grpc.postVouchers.bind(this.#grpc);
    const call = { name: 'PostVouchers', method, effect: 'write' } as const;
    return postUntilSettled(this.#policy, payments, async (rest, endMs) => {
      const policy = { ...this.#policy, retryForMs: endMs - Date.now() };
      const { outcomes } = await callUnary(call, { batch: batchOf(rest) }, policy);
      return resultsFromWire(rest, outcomes);
    });
  }

  /** Opens a stream: for many payments one after another. */
  stream(settings: StreamSettings = {}): VoucherStream {
    return new VoucherStream(() => this.#grpc.streamVouchers(), this.#policy, settings);
  }

  /**
   * Opens a packed stream, which needs a session: for very many payments. `nowMs` is the ledger's clock,
   * see {@link LedgerClient.nowMs}.
   */
  packed(
    wallet: Wallet,
    settings: PackedStreamSettings = {},
    nowMs: () => number = Date.now,
  ): PackedStream {
    const sessions = new SessionSource(wallet, nowMs);
    const open = (fresh: boolean) => this.#grpc.streamPacked(sessions.metadata(fresh));
    return new PackedStream(open, this.#policy, settings);
  }

  close(): void {
    this.#grpc.close();
  }
}

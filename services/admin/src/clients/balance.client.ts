import { credentials } from '@grpc/grpc-js';
import { type GetTotalsResponse, LedgerServiceClient } from '#libs/contracts';
import type { Result } from '#libs/domain';
import type { Totals } from '../domain/snapshot.js';
import { totalsFromWire } from './from-wire.js';
import { CLIENT_CHANNEL_OPTIONS, unaryCall } from './unary-call.js';

/** The balance service as the dashboard needs it. */
export class BalanceClient {
  readonly #client: LedgerServiceClient;

  constructor(address: string) {
    this.#client = new LedgerServiceClient(
      address,
      credentials.createInsecure(),
      CLIENT_CHANNEL_OPTIONS,
    );
  }

  /** Sums of the whole ledger. Refuses with UNAVAILABLE when nothing answers. */
  async totals(): Promise<Result<Totals>> {
    // The sums are recomputed from the journal, which takes a while on a long one.
    const result = await unaryCall<GetTotalsResponse>(
      (metadata, options, done) => this.#client.getTotals({}, metadata, options, done),
      { timeoutMs: 10_000, service: 'balance' },
    );
    return result.ok ? { ok: true, value: totalsFromWire(result.value) } : result;
  }

  close(): void {
    this.#client.close();
  }
}

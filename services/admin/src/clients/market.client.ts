import { credentials } from '@grpc/grpc-js';
import { type ListRoundsResponse, MarketServiceClient } from '#libs/contracts';
import type { Result } from '#libs/domain';
import type { RoundRow } from '../domain/snapshot.js';
import { roundFromWire } from './from-wire.js';
import { CLIENT_CHANNEL_OPTIONS, unaryCall } from './unary-call.js';

/** The auction service as the dashboard needs it. */
export class MarketClient {
  readonly #client: MarketServiceClient;

  constructor(address: string) {
    this.#client = new MarketServiceClient(
      address,
      credentials.createInsecure(),
      CLIENT_CHANNEL_OPTIONS,
    );
  }

  /** The newest cleared rounds. Refuses with UNAVAILABLE when nothing answers. */
  async rounds(limit: number): Promise<Result<readonly RoundRow[]>> {
    const request = { page: { cursor: '', limit } };
    const result = await unaryCall<ListRoundsResponse>(
      (metadata, options, done) => this.#client.listRounds(request, metadata, options, done),
      { timeoutMs: 2_000, service: 'auction' },
    );
    return result.ok ? { ok: true, value: result.value.rounds.map(roundFromWire) } : result;
  }

  close(): void {
    this.#client.close();
  }
}

import type { GetNetworkResponse } from '#libs/contracts';
import type { Clock } from './clock.js';

/** What clients need for signing, and the limits of this ledger. */
export class NetworkService {
  constructor(
    private readonly facts: Omit<GetNetworkResponse, 'nowMs'>,
    private readonly clock: Clock,
  ) {}

  describe(): GetNetworkResponse {
    return { ...this.facts, nowMs: this.clock() };
  }
}

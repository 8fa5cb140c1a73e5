import { addressFromBytes } from '#libs/domain';
import type { CorpusPlan } from '../../../load-tests/src/bench/corpus/plan.js';

/** A small plan of vouchers, with parts replaced. */
export function smallPlan(parts: Partial<CorpusPlan> = {}): CorpusPlan {
  return {
    domain: { chainId: 7n, vaultAddress: addressFromBytes(new Uint8Array(20).fill(9)) },
    seed: 'spec',
    proof: 'voucher',
    choice: 'uniform',
    channels: 64,
    groupChannels: 1,
    run: 2,
    batchItems: 16,
    payers: 8,
    payees: 4,
    streams: 2,
    partitions: 8,
    framesMax: 40,
    validUntilMs: 9_000_000_000_000n,
    ...parts,
  };
}

/** One small plan of each kind. */
export const PLANS = {
  voucher: smallPlan(),
  tick: smallPlan({ proof: 'tick', choice: 'zipf', run: 4 }),
  bundle: smallPlan({ proof: 'bundle', groupChannels: 4, run: 1, partitions: 3 }),
} as const;

import { unexplainedProblem } from '../domain/preflight.js';
import type { ScanRepository } from '../repositories/scan.repository.js';

/** Joins reasons, each told once. */
const BETWEEN = '; ';

/** Why nothing, or not everything, is signed: what every process can see, and what the drivers of this one have found. */
export class PauseService {
  constructor(
    private readonly scans: ScanRepository,
    private readonly drivers: readonly { readonly paused: string }[],
  ) {}

  /** All reasons, the hot wallet's first, or nothing. */
  async read(walletBlocked: string | undefined): Promise<string> {
    // Asked here, too: the drivers of a process that does not lead know nothing.
    const unexplained = unexplainedProblem(await this.scans.unexplained());
    const reasons = [walletBlocked, unexplained, ...this.drivers.map(({ paused }) => paused)];
    const parts = reasons.flatMap((reason) => reason?.split(BETWEEN) ?? []).filter(Boolean);
    return [...new Set(parts)].join(BETWEEN);
  }
}

import { type Result, refuse } from '#libs/domain';
import { mayOperate, type Session } from '../domain/session.js';
import type { BatchRow } from '../domain/snapshot.js';
import type { AuditLog, SettlementRunner } from './ports.js';
import { within } from './within.js';

/** A run waits this long to be recorded, then it does not happen. */
const RECORD_PATIENCE_MS = 3_000;

/** Runs settlement by hand and records who did. */
export class SettlementService {
  #running = false;

  constructor(
    private readonly runner: SettlementRunner,
    private readonly audit: AuditLog,
    private readonly now: () => bigint,
  ) {}

  /**
   * Plans (dry run) or runs what is due. The record is written before settlement is asked, so a run
   * that cannot be recorded does not happen, and again with the outcome. Refuses with NOT_PERMITTED for a
   * viewer, OVERLOADED while another run is under way, or with settlement's own reason; rejects when
   * the database does not answer.
   */
  async run(
    session: Session,
    address: string,
    dryRun: boolean,
  ): Promise<Result<readonly BatchRow[]>> {
    if (!mayOperate(session)) return refuse('NOT_PERMITTED', 'an operator may run settlement');
    if (this.#running) return refuse('OVERLOADED', 'a run is under way; wait for its answer');
    this.#running = true;
    try {
      const { actor, role } = session;
      const action = dryRun ? 'settlement-dry-run' : 'settlement-run';
      const record = (outcome: string, detail: string) =>
        this.audit.append({ atMs: this.now(), actor, role, address, action, outcome, detail });
      await within(RECORD_PATIENCE_MS, record('requested', ''));
      const result = await this.runner.run(dryRun);
      await (result.ok
        ? record('ok', summary(result.value))
        : record(result.reason, result.detail));
      return result;
    } finally {
      this.#running = false;
    }
  }
}

function summary(batches: readonly BatchRow[]): string {
  const payouts = batches.reduce((sum, batch) => sum + batch.payouts, 0);
  const totalUnits = batches.reduce((sum, batch) => sum + batch.totalUnits, 0n);
  return `${batches.length} batches, ${payouts} payouts, ${totalUnits} units`;
}

import { assetFromWire } from '#libs/contracts';
import type { Database, Transaction } from '#libs/database';
import { accept, type Result, refuse } from '#libs/domain';
import { applyDecision, type Decision, type Resolution } from '../domain/resolution.js';
import { DEPOSIT } from '../domain/states.js';

/** Rows of `settlement.resolutions`: written once, never changed. */
export class ResolutionRepository {
  constructor(private readonly database: Database) {}

  /**
   * Takes a decision once: the deposit moves on and the decision is kept, both or neither. True when it
   * had been taken before. NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, ID_REUSED.
   */
  decide(resolution: Resolution, nowMs: bigint): Promise<Result<boolean>> {
    return this.database.transaction((tx) => decideIn(tx, resolution, nowMs));
  }
}

type DepositRow = { readonly state: number; readonly asset: number; readonly baseUnits: string };
type ResolutionRow = {
  readonly txid: Buffer;
  readonly index: number;
  readonly account: string | null;
};

async function decideIn(
  tx: Transaction,
  resolution: Resolution,
  nowMs: bigint,
): Promise<Result<boolean>> {
  const { decision, index } = resolution;
  const txid = Buffer.from(resolution.txid);
  // Whoever decides about a deposit holds its row, so that two decisions cannot both be taken.
  const [deposit] = await tx.sql<DepositRow[]>`
    select state, asset, base_units::text as "baseUnits" from settlement.deposits
    where txid = ${txid} and index = ${index} for update`;
  const before = await find(tx, resolution.resolutionId);
  if (before !== undefined) {
    const same =
      before.txid.equals(txid) && before.index === index && before.account === accountOf(decision);
    return same ? accept(true) : refuse('ID_REUSED', 'this resolution_id was used before');
  }
  const asset = deposit === undefined ? undefined : assetFromWire(deposit.asset);
  if (deposit === undefined || asset === undefined) {
    return refuse('NOT_FOUND', 'no deposit of this transaction and index is known');
  }
  const { state, baseUnits } = deposit;
  const outcome = applyDecision({ state, asset, baseUnits: BigInt(baseUnits) }, decision);
  if (!outcome.ok) return outcome;
  const kept = await tx.sql`
    insert into settlement.resolutions (resolution_id, txid, index, account, reason, operator,
      decided_at_ms)
    values (${Buffer.from(resolution.resolutionId)}, ${txid}, ${index}, ${accountOf(decision)},
      ${resolution.reason}, ${resolution.operator}, ${nowMs})
    on conflict do nothing`;
  if (kept.count === 0) return refuse('ID_REUSED', 'this resolution_id was used before');
  const { state: next, units } = outcome.value;
  // Only what is in suspense leaves it; what the books never took is credited as any other deposit.
  await tx.sql`
    update settlement.deposits
    set state = ${next}, units = ${units}, account = coalesce(${accountOf(decision)}, account),
      suspense = suspense and state = ${DEPOSIT.suspense},
      note = ${decision.kind === 'dismiss' ? resolution.reason : ''}
    where txid = ${txid} and index = ${index}`;
  return accept(false);
}

async function find(tx: Transaction, id: Uint8Array): Promise<ResolutionRow | undefined> {
  const [row] = await tx.sql<ResolutionRow[]>`
    select txid, index, account from settlement.resolutions
    where resolution_id = ${Buffer.from(id)}`;
  return row;
}

function accountOf(decision: Decision): string | null {
  return decision.kind === 'credit' ? decision.account : null;
}

import type { Units } from '#libs/domain';
import type { Audit } from '../audit.js';

/** An epoch as stored. */
export type EpochRow = {
  readonly epochNo: bigint;
  readonly buildNo: bigint;
  readonly secret: Buffer;
  readonly root: Buffer;
  readonly totalUnits: Units;
  readonly leaves: number;
  readonly flushNos: bigint[];
  readonly operations: bigint[];
};

/** Committed epochs, newest first; of the newest ones only when a number is given. */
export function epochsOf({ sql }: Pick<Audit, 'sql'>, newest: number | undefined) {
  return sql<EpochRow[]>`
    select epoch_no as "epochNo", build_no as "buildNo", secret, root, total_units as "totalUnits",
      leaves, flush_nos as "flushNos", operations
    from settlement.epochs where state = 5 order by epoch_no desc
    ${newest === undefined ? sql`` : sql`limit ${newest}`}`;
}

/** Names an epoch. */
export function epochKey({ epochNo }: Pick<EpochRow, 'epochNo'>) {
  return { table: 'settlement.epochs', key: `epoch ${epochNo}` };
}

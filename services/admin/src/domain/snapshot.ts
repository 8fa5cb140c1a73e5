import type { Units } from '#libs/domain';

/** One source of the dashboard as it is now: its newest value, and why it cannot be read, if so. */
export type PanelView<T> = {
  /** `pending` until the first answer. */
  readonly state: 'ok' | 'failed' | 'pending';
  /** The newest value read, also while the source fails; its age is in `atMs`. */
  readonly value: T | null;
  readonly atMs: number | null;
  readonly failure: string | null;
};

/** A process of the cluster as its probes show it. */
export type ServiceHealth = {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
  readonly startedAtMs: number | null;
  readonly version: string | null;
  readonly memoryBytes: number | null;
  /** Payments accepted since its start; null for a service that accepts none. */
  readonly paymentsAccepted: number | null;
};

/** What went in and out by one asset. */
export type AssetFlow = {
  readonly asset: string;
  readonly depositedUnits: Units;
  readonly withdrawnUnits: Units;
};

/** Sums over the whole ledger. */
export type Totals = {
  readonly assets: readonly AssetFlow[];
  readonly availableUnits: Units;
  readonly heldUnits: Units;
  readonly inChannelsUnits: Units;
  readonly withdrawingUnits: Units;
  readonly feesUnits: Units;
  readonly suspenseUnits: Units;
  readonly channelsOpened: bigint;
  readonly channelsClosed: bigint;
  readonly postings: bigint;
  readonly conserved: boolean;
  readonly firstDifference: string;
  readonly logRecordsApplied: bigint;
};

/** Where one partition of a log ends and how far it was applied; offsets. */
export type Offset = { readonly partition: number; readonly offset: bigint };

/** A settlement transaction. */
export type BatchRow = {
  readonly batchNo: bigint;
  readonly asset: string;
  readonly state: string;
  readonly txid: string;
  readonly payouts: number;
  readonly totalUnits: Units;
  readonly plannedAtMs: bigint;
  readonly failure: string;
  /** Until when its payees can claim; 0 for a batch that is sent to them. */
  readonly claimableUntilMs: bigint;
};

/** A large batch of which nothing is signed until an operator decides. */
export type UndecidedRow = {
  readonly batchNo: bigint;
  readonly asset: string;
  /** `single`, `batch` or `claim`. */
  readonly way: string;
  readonly payouts: number;
  readonly totalUnits: Units;
  /** What it would cost now if nothing were staked. */
  readonly feeSun: bigint;
  readonly plannedAtMs: bigint;
};

/** How settlement stands. */
export type SettlementStatus = {
  readonly headBlock: bigint;
  readonly solidBlock: bigint;
  readonly hotWallet: string;
  readonly hotWalletSun: bigint;
  readonly queued: bigint;
  readonly paused: string;
  readonly reserves: readonly { readonly asset: string; readonly reserveUnits: Units }[];
  readonly transactionsSolidified: bigint;
  readonly heldDeposits: bigint;
  readonly heldPayouts: bigint;
  readonly suspenseDeposits: bigint;
  readonly misdirectedDeposits: bigint;
  readonly foreignTokens: bigint;
  /** Large batches of which nothing is signed until an operator says yes. */
  readonly undecidedBatches: bigint;
  /** Payouts that wait to be claimed by their owners. */
  readonly claimablePayouts: bigint;
};

/** A deposit or payout that waits for an operator. */
export type HeldRow = {
  readonly kind: 'deposit' | 'payout';
  /** `held`: nothing is booked or paid; `suspense`: booked to nobody. */
  readonly state: string;
  /** Transaction or withdrawal, hex. */
  readonly id: string;
  /** Of a deposit: which transfer of the transaction. */
  readonly index: number;
  readonly account: string;
  readonly asset: string;
  readonly units: Units;
  readonly reason: string;
  readonly sinceMs: bigint;
};

/** A cleared auction round. */
export type RoundRow = {
  readonly roundNo: bigint;
  readonly swarm: string;
  readonly clearedAtMs: bigint;
  readonly priceUnits: Units;
  readonly slotsMatched: number;
};

/** A credited deposit. */
export type DepositRow = {
  readonly txid: string;
  readonly asset: string;
  readonly account: string;
  readonly units: Units;
  readonly creditedAtMs: bigint;
};

/** A withdrawal. */
export type WithdrawalRow = {
  readonly withdrawalNo: bigint;
  readonly asset: string;
  readonly destination: string;
  readonly amountUnits: Units;
  readonly state: string;
  readonly failure: string;
  readonly requestedAtMs: bigint;
};

/** What could not be applied although it was acknowledged. `count` stops at a limit. */
export type Quarantine = {
  readonly count: number;
  readonly latest: readonly { readonly place: string; readonly reason: string }[];
};

/** What an operator did. */
export type AuditRow = {
  readonly auditNo: bigint;
  readonly atMs: bigint;
  readonly actor: string;
  readonly address: string;
  readonly action: string;
  readonly outcome: string;
  readonly detail: string;
};

/** What the sources say, before anything is concluded from it. */
export type Sources = {
  readonly services: Readonly<Record<string, PanelView<ServiceHealth>>>;
  readonly postgres: PanelView<{ readonly version: string }>;
  readonly logEnds: PanelView<readonly Offset[]>;
  readonly applied: PanelView<readonly Offset[]>;
  /** What is wrong with the logs, a sentence each. */
  readonly logLoss: PanelView<readonly string[]>;
  readonly totals: PanelView<Totals>;
  readonly settlement: PanelView<SettlementStatus>;
  readonly batches: PanelView<readonly BatchRow[]>;
  readonly undecided: PanelView<readonly UndecidedRow[]>;
  readonly rounds: PanelView<readonly RoundRow[]>;
  readonly deposits: PanelView<readonly DepositRow[]>;
  readonly withdrawals: PanelView<readonly WithdrawalRow[]>;
  readonly held: PanelView<readonly HeldRow[]>;
  readonly quarantine: PanelView<Quarantine>;
  readonly audit: PanelView<readonly AuditRow[]>;
  readonly rate: Rate;
};

/** Channels raised per second, and the payments behind them. */
export type Rate = {
  readonly perSecond: number;
  /** Payments that ingest accepted per second, before compaction; null while unknown. */
  readonly acceptedPerSecond: number | null;
  /** Oldest first. */
  readonly series: readonly number[];
  /** Why the rate is not known, else null. */
  readonly failure: string | null;
};

/** Records of one partition of the voucher log that are written and not yet applied. */
export type PartitionLag = {
  readonly partition: number;
  readonly end: bigint;
  readonly applied: bigint;
  readonly lag: bigint;
};

/** Something an operator must look at. */
export type Alarm = { readonly name: string; readonly text: string };

/** All that one page shows. */
export type Snapshot = Sources & {
  readonly atMs: number;
  /** Null while the end or the applied offset of the log is not known. */
  readonly lag: { readonly records: bigint; readonly partitions: readonly PartitionLag[] } | null;
  readonly state: 'ok' | 'degraded' | 'alarm';
  readonly alarms: readonly Alarm[];
};

/** Concludes from the sources: lag, alarms and the state of the whole. */
export function assembleSnapshot(sources: Sources, nowMs: number): Snapshot {
  const alarms = alarmsOf(sources);
  const views = [...Object.values(sources.services), ...panelsOf(sources)];
  const whole =
    views.every((view) => view.state === 'ok') &&
    Object.values(sources.services).every((view) => view.value?.ready === true) &&
    sources.rate.failure === null;
  return {
    ...sources,
    atMs: nowMs,
    lag: lagOf(sources.logEnds.value, sources.applied.value),
    alarms,
    state: alarms.length > 0 ? 'alarm' : whole ? 'ok' : 'degraded',
  };
}

/** Lag by partition. An end that was read before the applied offset counts as no lag, never as less. */
export function lagOf(
  ends: readonly Offset[] | null,
  applied: readonly Offset[] | null,
): Snapshot['lag'] {
  if (ends === null || applied === null) return null;
  const appliedOf = new Map(applied.map(({ partition, offset }) => [partition, offset]));
  const partitions = [...ends]
    .sort((a, b) => a.partition - b.partition)
    .map(({ partition, offset: end }) => {
      const done = appliedOf.get(partition) ?? 0n;
      return { partition, end, applied: done, lag: end > done ? end - done : 0n };
    });
  return { records: partitions.reduce((sum, { lag }) => sum + lag, 0n), partitions };
}

function alarmsOf({ totals, quarantine, settlement, logLoss }: Sources): Alarm[] {
  const alarms: Alarm[] = (logLoss.value ?? []).map((finding) => ({
    name: 'log',
    text: `Records of a log are missing, nothing more is applied from it: ${finding}`,
  }));
  if (totals.value?.conserved === false) {
    alarms.push({
      name: 'conservation',
      text: `The books do not agree: ${totals.value.firstDifference || 'no detail was given'}`,
    });
  }
  if (quarantine.value !== null && quarantine.value.count > 0) {
    alarms.push({
      name: 'quarantine',
      text: `${quarantine.value.count} acknowledged entries could not be applied`,
    });
  }
  if (settlement.value !== null && settlement.value.paused !== '') {
    alarms.push({ name: 'settlement', text: `Settlement is stopped: ${settlement.value.paused}` });
  }
  const { heldDeposits = 0n, heldPayouts = 0n, undecidedBatches = 0n } = settlement.value ?? {};
  if (undecidedBatches > 0n) {
    alarms.push({
      name: 'approval',
      text: `Large batches wait for an operator's approval: ${undecidedBatches}`,
    });
  }
  if (heldDeposits + heldPayouts > 0n) {
    alarms.push({
      name: 'held',
      text: `Waiting for an operator: deposits held ${heldDeposits}, payouts held ${heldPayouts}`,
    });
  }
  return alarms;
}

function panelsOf(sources: Sources): PanelView<unknown>[] {
  const { services: _services, rate: _rate, ...panels } = sources;
  return Object.values(panels);
}

/** JSON with 64-bit numbers as decimal text, which no reader rounds. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item));
}

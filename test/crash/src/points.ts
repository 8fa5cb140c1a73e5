import { type FailPoint, PAYMENT_POINTS } from '#libs/failpoints';

/** How a round hurts the system. */
export type Fault =
  /** A process kills itself at a fail-point. */
  | { readonly kind: 'fail-point'; readonly service: Service; readonly point: FailPoint }
  /** SIGKILL from outside, at whatever the process is doing. */
  | { readonly kind: 'kill'; readonly process: Service | 'kafka' | 'postgres' }
  /** SIGKILL for one backend that is in a transaction of balance: Postgres then restarts all of them. */
  | { readonly kind: 'backend' }
  /** One replica dies of SIGKILL, the other one at a fail-point while the group rebalances. */
  | { readonly kind: 'rebalance'; readonly point: FailPoint }
  /** A replica stops at a fail-point until another one has taken over, then goes on as if nothing had been. */
  | { readonly kind: 'zombie'; readonly point: FailPoint };

/** Services that are killed. */
export type Service = 'ingest' | 'balance';

/** One kind of round. */
export type CrashPoint = {
  readonly name: string;
  readonly fault: Fault;
  /** Replicas of balance. */
  readonly replicas: 1 | 2;
  /** A sentence for the report. */
  readonly meaning: string;
};

const MEANINGS: Readonly<Record<(typeof PAYMENT_POINTS)[number], string>> = {
  'ingest.before-produce': 'verified, about to be written to the log',
  'ingest.after-produce': 'in the log, nobody was told',
  'ingest.before-ack': 'in memory too, about to be answered',
  'balance.after-poll': 'records read, no transaction yet',
  'balance.after-copy': 'claims copied, nothing merged',
  'balance.after-merge': 'channels, balances and journal written, no link in the chain yet',
  'balance.before-commit': 'everything written, not committed',
  'balance.after-commit': 'committed, Kafka was not told',
  'balance.in-rebalance': 'partitions are being handed over after the other replica was killed',
};

const atFailPoints = PAYMENT_POINTS.map((point): CrashPoint => {
  const common = { name: point, meaning: MEANINGS[point] };
  if (point === 'balance.in-rebalance') {
    return { ...common, fault: { kind: 'rebalance', point }, replicas: 2 };
  }
  const service = point.startsWith('ingest.') ? 'ingest' : 'balance';
  return { ...common, fault: { kind: 'fail-point', service, point }, replicas: 1 };
});

/** Every kind of round, those with one replica of balance first, and of these the slowest. */
export const CRASH_POINTS: readonly CrashPoint[] = [
  {
    name: 'kafka.kill',
    fault: { kind: 'kill', process: 'kafka' },
    replicas: 1,
    meaning: 'the only broker killed',
  },
  ...atFailPoints.filter(({ replicas }) => replicas === 1),
  {
    name: 'ingest.any-moment',
    fault: { kind: 'kill', process: 'ingest' },
    replicas: 1,
    meaning: 'ingest killed from outside',
  },
  {
    name: 'balance.any-moment',
    fault: { kind: 'kill', process: 'balance' },
    replicas: 1,
    meaning: 'balance killed from outside',
  },
  {
    name: 'postgres.kill',
    fault: { kind: 'kill', process: 'postgres' },
    replicas: 1,
    meaning: 'the server killed, with crash recovery after it',
  },
  {
    name: 'postgres.backend-kill',
    fault: { kind: 'backend' },
    replicas: 1,
    meaning: 'one backend killed in a transaction, all others ended by it',
  },
  ...atFailPoints.filter(({ replicas }) => replicas === 2),
  {
    name: 'balance.zombie',
    fault: { kind: 'zombie', point: 'balance.after-poll' },
    replicas: 2,
    meaning: 'stopped with records in hand, woken after another replica has applied them',
  },
  {
    name: 'balance.zombie-in-transaction',
    fault: { kind: 'zombie', point: 'balance.before-commit' },
    replicas: 2,
    meaning: 'stopped with an open transaction, woken after the group has moved on',
  },
];

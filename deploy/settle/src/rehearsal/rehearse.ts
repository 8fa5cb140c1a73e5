import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LedgerClient, SettlementClient } from '#libs/client';
import type { Batch, SettlementPlan } from '#libs/contracts';
import type { Units } from '#libs/domain';
import { type BlockRef, TronWebChain } from '#libs/tron';
import { Display, type Step } from '../../../demo/src/display.js';
import { until } from '../../../demo/src/patience.js';
import { type Stack, startStack } from '../../../local/src/stack.js';
import { follow, fromList } from '../follow.js';
import { OperatorClient } from '../operator.client.js';
import { planText } from '../plan-text.js';
import { RehearsalRepository } from './books.repository.js';
import { type ChainRecord, readChain } from './chain-record.js';
import { amountOf, bookWithdrawals, type Due, fundAccounts } from './due.js';
import { differences } from './reconcile.js';
import type { Cost, Rehearsal } from './report.js';
import { paySingles } from './singles.js';

/** Runs of these sizes first, so that the cost by batch size is seen. */
const SIZES = [1, 10, 50, 100];
const NODE_TIMEOUT_MS = 10_000;
const TOLD_WITHIN_MS = 300_000;

/** Runs come by hand, nobody has to approve, and limits of withdrawals do not matter here. */
const ENVIRONMENT = {
  NODE_ENV: 'development',
  LOG_LEVEL: 'warn',
  SETTLEMENT_CRON: '0 0 0 1 1 *',
  RUN_PAYOUTS_MAX: '100000',
  BATCH_RECIPIENTS_MAX: '200',
};

/** Pays so many withdrawals on a stack and a local chain of its own, and compares everything with everything. */
export async function rehearse(
  payouts: number,
  out: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<Rehearsal> {
  const phases = new Phases(new Display(out), signal);
  const stack = await phases.run('start a stack', () => startOwnStack(signal));
  try {
    const own = await Connections.open(stack);
    try {
      return await payAndCompare(own, payouts, phases);
    } finally {
      await own.close();
    }
  } finally {
    await stack.stop();
  }
}

async function payAndCompare(
  own: Connections,
  payouts: number,
  phases: Phases,
): Promise<Rehearsal> {
  const start = await own.chain.solidHead();
  const singles = await paySingles(own.tronNodeUrl, own.ledger.network.trc20Address);
  const { withdrawalFeeUnits: feeUnits } = own.ledger.network;
  const accounts = await phases.run('deposit', () =>
    fundAccounts(own.ledger, own, unitsOf(payouts, feeUnits)),
  );
  const due: Due[] = [];
  const batches: Batch[] = [];
  for (const count of runsOf(payouts)) {
    const range = { from: due.length, count };
    const booked = await phases.run('book', (step) =>
      bookWithdrawals(accounts, range, feeUnits, step),
    );
    due.push(...booked);
    const plan = await phases.run('dry run', () => planOf(own, count));
    if (due.length === payouts) for (const line of planText(plan)) phases.display.print(line);
    const planned = await phases.run('plan', () => own.operator.run());
    const numbers = planned.map(({ batchNo }) => batchNo);
    const ended = await phases.run('pay', (step) =>
      follow(fromList(own.settlement), numbers, step, phases.signal),
    );
    batches.push(...ended.batches);
  }
  await phases.run('tell the ledger', (step) => waitForLedger(own, payouts, step));
  return await phases.run('reconcile', async () => {
    const record = await own.record(start);
    const found = differences(due, await own.books.payouts(), record);
    const { conserved } = await own.ledger.totals();
    const [first, again] = [costOf(record, singles[0]), costOf(record, singles[1])];
    const { seconds } = phases;
    return { payouts, batches, first, again, seconds, differences: found, conserved };
  });
}

/** Shows phases and adds up how long those of one name took. */
class Phases {
  readonly seconds: Record<string, number> = {};

  constructor(
    readonly display: Display,
    readonly signal: AbortSignal,
  ) {}

  async run<T>(name: string, work: (step: Step) => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const startMs = performance.now();
    const value = await this.display.phase(name, work);
    this.seconds[name] = (this.seconds[name] ?? 0) + (performance.now() - startMs) / 1_000;
    return value;
  }
}

function unitsOf(payouts: number, feeUnits: Units): Units {
  const amounts = Array.from({ length: payouts }, (_, number) => amountOf(number, feeUnits));
  const largest = amountOf(996, feeUnits);
  // Accounts take turns with amounts that differ, so each gets the largest a few times more than it may need.
  return amounts.reduce((sum, units) => sum + units, 0n) + largest * 640n;
}

/** The dry run, once settlement has heard of everything that is due. */
function planOf(own: Connections, due: number): Promise<SettlementPlan> {
  return until(
    'settlement hears of the withdrawals',
    () => own.operator.plan(),
    ({ payouts }) => payouts >= BigInt(due),
    { timeoutMs: TOLD_WITHIN_MS },
  );
}

/** How many payouts each run takes: the sizes that are measured, and all the rest at once. */
export function runsOf(payouts: number): number[] {
  const runs: number[] = [];
  let left = payouts;
  for (const size of SIZES) {
    // Only what leaves a full batch for the last run.
    if (left - size < 200) break;
    runs.push(size);
    left -= size;
  }
  return [...runs, left];
}

function startOwnStack(signal: AbortSignal): Promise<Stack> {
  // A chain from the environment could be a real one: a rehearsal never asks for it.
  const { TRON_NODE_URL: _node, DATABASE_URL: _database, ...env } = process.env;
  return startStack({
    dataDir: mkdtempSync(join(tmpdir(), 'swarmledger-settle-')),
    parts: ['postgres', 'kafka', 'chain', 'balance', 'settlement'],
    env: { ...env, ...ENVIRONMENT },
    guard: true,
    temporary: true,
    signal,
  });
}

async function waitForLedger(own: Connections, payouts: number, step: Step): Promise<void> {
  await until(
    'the ledger knows of all payouts',
    async () => {
      const left = await own.books.unfinished();
      step.progress(payouts - left, payouts);
      return left;
    },
    (left) => left === 0,
    { timeoutMs: TOLD_WITHIN_MS },
  );
}

function costOf({ costs }: ChainRecord, txid: string): Cost {
  const cost = costs.get(txid);
  if (cost === undefined) throw new Error(`transaction ${txid} is in no solidified block`);
  return { energy: Number(cost.energy), feeSun: Number(cost.feeSun) };
}

/** Everything that a rehearsal asks. */
class Connections {
  readonly operator: OperatorClient;
  readonly settlement: SettlementClient;
  readonly books: RehearsalRepository;
  readonly chain: TronWebChain;

  private constructor(
    private readonly stack: Stack,
    readonly ledger: LedgerClient,
  ) {
    this.operator = OperatorClient.of(stack.state);
    this.settlement = new SettlementClient(this.settlementGrpc);
    this.books = new RehearsalRepository(address(stack, 'databaseUrl'));
    this.chain = new TronWebChain({ url: this.tronNodeUrl, timeoutMs: NODE_TIMEOUT_MS });
  }

  static async open(stack: Stack): Promise<Connections> {
    return new Connections(stack, await LedgerClient.connect(address(stack, 'balanceGrpc')));
  }

  get settlementGrpc(): string {
    return address(this.stack, 'settlementGrpc');
  }

  get tronNodeUrl(): string {
    return address(this.stack, 'tronNodeUrl');
  }

  /** What the chain did after a block. */
  record(after: BlockRef): Promise<ChainRecord> {
    const { trc20Address: token, domain } = this.ledger.network;
    return readChain(this.chain, { token, vault: domain.vaultAddress }, after.number + 1n);
  }

  async close(): Promise<void> {
    this.operator.close();
    this.settlement.close();
    this.ledger.close();
    await this.books.close();
  }
}

function address(
  stack: Stack,
  name: 'databaseUrl' | 'balanceGrpc' | 'settlementGrpc' | 'tronNodeUrl',
): string {
  const found = stack.urls[name];
  if (found === undefined) throw new Error(`the stack has no ${name}`);
  return found;
}

import { createInterface } from 'node:readline/promises';
import type { Batch, SettlementPlan } from '#libs/contracts';
import { formatUnits } from '#libs/domain';
import { Display } from '../../demo/src/display.js';
import { connect } from './connection.js';
import { type Followed, follow } from './follow.js';
import type { OperatorClient } from './operator.client.js';
import { type SettleOptions, UsageError } from './options.js';
import { planText, trx, waitingText } from './plan-text.js';

/** What came of it, as `--json` prints it. */
export type SettleResult = {
  readonly ran: boolean;
  readonly payouts: number;
  readonly transactions: number;
  readonly solidified: number;
  readonly failed: number;
  readonly waitingForApproval: readonly string[];
  readonly energyUsed: string;
  readonly feeSun: string;
};

/** Decides, shows, asks, pays and follows. */
export async function settle(
  options: SettleOptions,
  out: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<SettleResult> {
  const operator = connect(options);
  try {
    for (const txid of options.explained) {
      await operator.explain(txid, options.operator, options.reason);
      out.write(`transaction ${txid}: explained by ${options.operator}\n`);
    }
    const decided = await decide(operator, options, out);
    const waiting = await showWaiting(operator, out);
    const plan = await operator.plan();
    for (const line of planText(plan)) out.write(`${line}\n`);
    if (options.dryRun) return resultOf(false, nothing, waiting);
    const run = plan.payouts > 0n && (await mayRun(plan, options, out));
    const batches = run ? await operator.run() : [];
    const followed = [...decided, ...batches].map(({ batchNo }) => batchNo);
    if (followed.length === 0) return resultOf(false, nothing, waiting);
    const ended = await new Display(out).phase('paid for good', (step) =>
      follow((numbers) => operator.batches(numbers), followed, step, signal),
    );
    for (const line of endText(ended)) out.write(`${line}\n`);
    return resultOf(run, ended, waiting);
  } finally {
    operator.close();
  }
}

/** Batches that wait and are shown with their payees, a call each. */
const WAITING_SHOWN = 10;
const nothing: Followed = { batches: [], solidified: [], failed: [], undecided: [] };

/** Shows the batches that have been waiting for an operator, and whom they pay; returns their numbers. */
async function showWaiting(operator: OperatorClient, out: NodeJS.WriteStream): Promise<bigint[]> {
  const waiting = await operator.undecided();
  for (const each of waiting.slice(0, WAITING_SHOWN)) {
    const { payouts } = await operator.batch(each.batch?.batchNo ?? 0n);
    for (const line of waitingText(each, payouts)) out.write(`${line}\n`);
  }
  const more = waiting.length - WAITING_SHOWN;
  if (more > 0) out.write(`… and ${more} more batches that wait for an operator\n`);
  return waiting.map(({ batch }) => batch?.batchNo ?? 0n);
}

/** Tells settlement what the operator has decided; returns the batches that will be paid. */
async function decide(
  operator: OperatorClient,
  options: SettleOptions,
  out: NodeJS.WriteStream,
): Promise<Batch[]> {
  const approved: Batch[] = [];
  for (const decision of options.decisions) {
    const { batch: before, payouts } = await operator.batch(decision.batchNo);
    const { batch } = await operator.decide(decision, options.operator, options.note);
    if (batch === undefined || before === undefined) throw new Error('settlement named no batch');
    const done = decision.approve ? 'approved' : 'rejected';
    out.write(
      `batch ${batch.batchNo}: ${done} by ${batch.decidedBy}, ${payouts.length} payouts of ${formatUnits(batch.totalUnits)} BTTOLD\n`,
    );
    if (decision.approve) approved.push(batch);
  }
  return approved;
}

async function mayRun(
  plan: SettlementPlan,
  options: SettleOptions,
  out: NodeJS.WriteStream,
): Promise<boolean> {
  if (options.yes) return true;
  if (!process.stdin.isTTY) {
    if (options.decisions.length + options.explained.length > 0) {
      out.write('What else is due is not paid: there is nobody to ask; --yes pays it, too\n');
      return false;
    }
    throw new UsageError('nothing was paid: there is nobody to ask; --yes pays without asking');
  }
  const reader = createInterface({ input: process.stdin, output: out });
  const answer = await reader.question(`Pay ${plan.payouts} payouts now? [y/N] `);
  reader.close();
  return /^y(es)?$/i.test(answer.trim());
}

function endText({ batches, solidified, failed, undecided }: Followed): string[] {
  const energy = solidified.reduce((sum, { energyUsed }) => sum + energyUsed, 0n);
  const fee = batches.reduce((sum, { feeSun }) => sum + feeSun, 0n);
  return [
    `paid for good: ${solidified.length} transactions, energy ${energy}, fee ${trx(fee)}`,
    ...solidified
      .filter(({ failure }) => failure !== '')
      .map(({ batchNo, failure }) => `batch ${batchNo}: ${failure}`),
    ...failed.map(({ batchNo, failure }) => `batch ${batchNo} FAILED: ${failure}`),
    ...undecided.map(
      ({ batchNo, payouts, totalUnits }) =>
        `batch ${batchNo} waits for an operator: ${payouts} payouts of ${formatUnits(totalUnits)} BTTOLD; --approve ${batchNo} or --reject ${batchNo}`,
    ),
  ];
}

function resultOf(
  ran: boolean,
  { batches, solidified, failed, undecided }: Followed,
  waiting: readonly bigint[],
): SettleResult {
  const sum = (of: (batch: Batch) => bigint) => batches.reduce((all, each) => all + of(each), 0n);
  return {
    ran,
    payouts: batches.reduce((all, { payouts }) => all + payouts, 0),
    transactions: batches.length,
    solidified: solidified.length,
    failed: failed.length,
    waitingForApproval: [...waiting, ...undecided.map(({ batchNo }) => batchNo)].map(String),
    energyUsed: String(sum(({ energyUsed }) => energyUsed)),
    feeSun: String(sum(({ feeSun }) => feeSun)),
  };
}

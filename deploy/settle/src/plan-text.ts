import {
  assetFromWire,
  type BatchPayout,
  PayoutWay,
  type PlannedTransaction,
  type SettlementPlan,
  type UndecidedBatch,
} from '#libs/contracts';
import { formatUnits } from '#libs/domain';

const WAY_NAMES = new Map([
  [PayoutWay.SINGLE, 'single transfers'],
  [PayoutWay.BATCH, 'vault batches'],
  [PayoutWay.CLAIM, 'claims'],
]);
const PAYEES_SHOWN = 10;
const TRANSACTIONS_SHOWN = 10;

/** Sun as TRX, e.g. `12.345678 TRX`. */
export function trx(sun: bigint): string {
  const sign = sun < 0n ? '-' : '';
  const size = sun < 0n ? -sun : sun;
  return `${sign}${size / 1_000_000n}.${String(size % 1_000_000n).padStart(6, '0')} TRX`;
}

/** A number with its thousands apart. */
export function grouped(value: bigint | number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** A dry run in lines: who gets what, what it costs, what it saves, what is lacking. */
export function planText(plan: SettlementPlan): string[] {
  const paused = plan.blocked === '' ? [] : [`SETTLEMENT IS PAUSED: ${plan.blocked}`];
  if (plan.payouts === 0n) return ['Nothing is due.', walletText(plan), ...paused];
  const { transactions } = plan;
  const lines = transactions.slice(0, TRANSACTIONS_SHOWN).flatMap(transactionText);
  const more = transactions.length - TRANSACTIONS_SHOWN;
  if (more > 0) lines.push(`… and ${grouped(more)} more transactions`);
  const bought = plan.energy > plan.energyStaked ? plan.energy - plan.energyStaked : 0n;
  lines.push(
    '',
    `${grouped(plan.payouts)} payouts in ${grouped(transactions.length)} transactions`,
    `energy   ${grouped(plan.energy)}, of which ${grouped(bought)} must be bought at ${plan.energyPriceSun} sun`,
    `fee      about ${trx(plan.feeSun)}; the hot wallet must have ${trx(plan.feeMaxSun)}`,
    walletText(plan),
    savingText(plan),
    ...plan.ways.map(({ way, operatorFeeSun, payeesFeeSun, unfit }) => {
      const theirs = payeesFeeSun > 0n ? `, payees ${trx(payeesFeeSun)}` : '';
      const why = unfit === '' ? 'taken' : `not taken: ${unfit}`;
      return `  ${(WAY_NAMES.get(way) ?? '?').padEnd(17)} ${trx(operatorFeeSun)}${theirs}; ${why}`;
    }),
  );
  const waiting = transactions.filter(({ needsApproval }) => needsApproval).length;
  if (waiting > 0) lines.push(`${waiting} of them will wait for an operator (--approve N)`);
  lines.push(...paused);
  const lacking = new Set(transactions.map(({ lack }) => lack).filter((lack) => lack !== ''));
  for (const lack of [...lacking].slice(0, 3)) lines.push(`LACKING: ${lack}`);
  return lines;
}

function walletText({ hotWallet, hotWalletSun }: SettlementPlan): string {
  return `wallet   ${hotWallet} has ${trx(hotWalletSun)}`;
}

function savingText({ singlesFeeSun, feeSun }: SettlementPlan): string {
  const saved = singlesFeeSun - feeSun;
  const share = singlesFeeSun === 0n ? 0 : Number((saved * 1_000n) / singlesFeeSun) / 10;
  return saved >= 0n
    ? `saving   ${trx(saved)} (${share} %) against single transfers, ${trx(singlesFeeSun)}`
    : `saving   none: ${trx(-saved)} (${-share} %) more than single transfers, ${trx(singlesFeeSun)}; batches are for safety`;
}

/** A batch that waits for an operator in lines, with whom it pays. */
export function waitingText(waiting: UndecidedBatch, payees: readonly BatchPayout[]): string[] {
  const { batch, way, feeSun } = waiting;
  if (batch === undefined) return [];
  const { batchNo, payouts, totalUnits, plannedAtMs } = batch;
  const asset = assetFromWire(batch.asset) ?? 'unknown asset';
  const since = new Date(Number(plannedAtMs)).toISOString();
  return [
    `batch ${batchNo} waits for an operator since ${since}: ${asset} ${kindOf(way, payouts)}, ${formatUnits(totalUnits)} BTTOLD, about ${trx(feeSun)} if nothing is staked; --approve ${batchNo} or --reject ${batchNo}`,
    ...payeesText(payees, payouts),
  ];
}

function transactionText(transaction: PlannedTransaction): string[] {
  const { payouts, totalUnits, way, energy, feeSun, needsApproval, payees } = transaction;
  const asset = assetFromWire(transaction.asset) ?? 'unknown asset';
  const wait = needsApproval ? ', waits for an operator' : '';
  const energyText = energy === 0n ? '' : `, ${grouped(energy)} energy`;
  return [
    `${asset} ${kindOf(way, payouts)}: ${formatUnits(totalUnits)} BTTOLD${energyText}, ${trx(feeSun)}${wait}`,
    ...payeesText(payees, payouts),
  ];
}

function kindOf(way: PayoutWay, payouts: number): string {
  if (way === PayoutWay.SINGLE) return 'transfer';
  return way === PayoutWay.CLAIM ? `claims of ${payouts}` : `batch of ${payouts}`;
}

function payeesText(payees: readonly BatchPayout[], payouts: number): string[] {
  const shown = payees
    .slice(0, PAYEES_SHOWN)
    .map(({ destination, amountUnits }) => `  ${destination} ${formatUnits(amountUnits)}`);
  const more = payouts - shown.length;
  return more > 0 ? [...shown, `  … and ${grouped(more)} more`] : shown;
}

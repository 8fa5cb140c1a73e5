import type { Summary } from './engine.js';
import type { Engine } from './k6.js';
import type { LoadOptions } from './options.js';
import type { AckLog, Reconciliation } from './reconcile.js';
import type { ScenarioName } from './scenarios.js';

/** All that is known at the end of a run. */
export type Outcome = {
  readonly scenario: ScenarioName;
  readonly options: LoadOptions;
  readonly engine: Engine['kind'];
  readonly summary: Summary;
  readonly log: AckLog;
  readonly books: Reconciliation;
  /** Milliseconds from the last acknowledgement until the ledger's channels showed all of them. */
  readonly drainMs: number;
  readonly conserved: boolean;
  readonly firstDifference: string;
};

/** The verdict of a run, and each reason against it in a sentence. */
export function judgeRun(outcome: Outcome): { passed: boolean; reasons: string[] } {
  const { summary, books, log } = outcome;
  const reasons: string[] = [];
  for (const [name, { thresholds = {}, values }] of Object.entries(summary.metrics)) {
    for (const [threshold, { ok }] of Object.entries(thresholds)) {
      if (!ok)
        reasons.push(`${name} ${threshold} does not hold: ${comparedWith(threshold, values)}`);
    }
  }
  const counted = countOf(summary, 'vouchers_accepted') + countOf(summary, 'vouchers_superseded');
  if (counted !== log.ackedVouchers) {
    reasons.push(
      `the engine counted ${counted} acknowledged vouchers, its log has ${log.ackedVouchers}`,
    );
  }
  if (log.ackedVouchers === 0) reasons.push('no voucher was acknowledged');
  for (const line of books.lost) reasons.push(`lost: channel ${line}`);
  for (const line of books.invented) reasons.push(`invented: channel ${line}`);
  if (!outcome.conserved) reasons.push(`the ledger does not add up: ${outcome.firstDifference}`);
  return { passed: reasons.length === 0, reasons: reasons.slice(0, 20) };
}

/** The run as lines for people. */
export function reportLines(outcome: Outcome): string[] {
  const { options, summary, log, books } = outcome;
  const { passed, reasons } = judgeRun(outcome);
  const duration = summary.metrics.batch_duration?.values ?? {};
  const ms = (name: string) => `${(duration[name] ?? 0).toFixed(1)} ms`;
  const count = (name: string) => String(countOf(summary, name));
  return [
    `scenario              ${outcome.scenario}`,
    `engine                ${outcome.engine}${outcome.engine === 'node' ? ' (stand-in: a check, not a k6 figure)' : ''}`,
    `asked for             ${options.vouchersPerSecond} vouchers/s for ${options.durationSeconds} s, ${options.batchItems} a request`,
    `accepted              ${count('vouchers_accepted')} (and ${count('vouchers_superseded')} overtaken by a higher one)`,
    `refused as they must  ${count('vouchers_refused_as_expected')}`,
    `wrong answers         ${count('vouchers_wrong')}; put off for now: ${summary.metrics.vouchers_not_now?.values.passes ?? 0}`,
    `requests              ${log.answered} answered, ${count('dropped_iterations')} not started in time`,
    `answer to a batch     p50 ${ms('med')}, p95 ${ms('p(95)')}, p99 ${ms('p(99)')}, max ${ms('max')}`,
    `acknowledged          ${books.ackedUnits} units; the ledger's channels owe ${books.ledgerUnits}`,
    `drained in            ${outcome.drainMs} ms`,
    `conserved             ${outcome.conserved}`,
    ...log.complaints.map((line) => `  ${line}`),
    ...reasons.map((reason) => `  ${reason}`),
    `result                ${passed ? 'passed' : 'FAILED'}`,
  ];
}

/** The verdict over all scenarios, in one line. */
export function verdictLine(outcomes: readonly Outcome[]): string {
  const failures = outcomes.flatMap((outcome) => {
    const { passed, reasons } = judgeRun(outcome);
    return passed ? [] : [`${outcome.scenario}: ${reasons.join('; ')}`];
  });
  if (failures.length > 0) return `FAIL ${failures.join(' | ')}`;
  return `PASS ${outcomes.map(({ scenario }) => scenario).join(', ')}`;
}

/** The run as one object; amounts are text, since they may exceed what a JSON number holds. */
export function reportJson(outcome: Outcome): Record<string, unknown> {
  const { options, summary, books, log } = outcome;
  const { passed, reasons } = judgeRun(outcome);
  return {
    scenario: outcome.scenario,
    passed,
    reasons,
    engine: outcome.engine,
    vouchersPerSecond: options.vouchersPerSecond,
    durationSeconds: options.durationSeconds,
    vouchersAccepted: countOf(summary, 'vouchers_accepted'),
    vouchersSuperseded: countOf(summary, 'vouchers_superseded'),
    vouchersRefusedAsExpected: countOf(summary, 'vouchers_refused_as_expected'),
    vouchersWrong: countOf(summary, 'vouchers_wrong'),
    vouchersPutOff: summary.metrics.vouchers_not_now?.values.passes ?? 0,
    requestsAnswered: log.answered,
    requestsDropped: countOf(summary, 'dropped_iterations'),
    batchP50Ms: summary.metrics.batch_duration?.values.med ?? null,
    batchP99Ms: summary.metrics.batch_duration?.values['p(99)'] ?? null,
    ackedUnits: String(books.ackedUnits),
    ledgerUnits: String(books.ledgerUnits),
    lostChannels: books.lost.length,
    inventedChannels: books.invented.length,
    drainMs: outcome.drainMs,
    conserved: outcome.conserved,
  };
}

function countOf(summary: Summary, name: string): number {
  return summary.metrics[name]?.values.count ?? 0;
}

/** What a threshold such as `p(99)<250` was compared with. */
function comparedWith(threshold: string, values: Readonly<Record<string, number>>): string {
  const [aggregate = ''] = threshold.split(/[<>=!]/);
  const value = values[aggregate.trim()];
  return value === undefined ? 'unknown' : String(Number(value.toFixed(3)));
}

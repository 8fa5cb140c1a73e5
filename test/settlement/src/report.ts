import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Finding } from './check/compare.js';
import { FAKE_KINDS } from './faults/deposit.fault.js';
import type { Round, SettlementOutcome } from './settlement-run.js';

/** One line of the table. */
export type FaultSummary = {
  readonly fault: string;
  readonly plan: string;
  readonly times: number;
  /** Rounds that prove nothing: the fault did not bite, or there was no rest after it. */
  readonly failed: number;
  readonly restedP50Ms: number;
  readonly restedMaxMs: number;
  readonly doubled: number;
  readonly lost: number;
  /** All other findings. */
  readonly wrong: number;
};

const COMPLAINTS_MAX = 20;

/** The rounds of one kind of fault, added up. */
export function summaryOf(fault: string, plan: string, rounds: readonly Round[]): FaultSummary {
  const good = rounds.filter(({ failure }) => failure === undefined);
  const times = good.map(({ restedMs }) => restedMs).sort((a, b) => a - b);
  const findings = rounds.flatMap((round) => round.findings);
  const [doubled, lost] = [count(findings, 'doubled'), count(findings, 'lost')];
  return {
    fault,
    plan,
    times: good.length,
    failed: rounds.length - good.length,
    restedP50Ms: times[Math.ceil(times.length / 2) - 1] ?? 0,
    restedMaxMs: times.at(-1) ?? 0,
    doubled,
    lost,
    wrong: findings.length - doubled - lost,
  };
}

function count(findings: readonly Finding[], kind: Finding['kind']): number {
  return findings.filter((each) => each.kind === kind).length;
}

/** One summary per kind that was run, in the order of the run. */
export function summariesOf({ options, rounds }: SettlementOutcome): FaultSummary[] {
  return options.faults
    .map(({ name, plan }) =>
      summaryOf(
        name,
        plan,
        rounds.filter(({ fault }) => fault === name),
      ),
    )
    .filter(({ times, failed }) => times + failed > 0);
}

/** The verdict, with each reason against it in a sentence. */
export function judgeRun({ rounds }: SettlementOutcome): { passed: boolean; reasons: string[] } {
  const reasons = rounds.flatMap(({ fault, failure, findings }, at) => [
    ...(failure === undefined ? [] : [`round ${at + 1}, ${fault}: ${failure}`]),
    ...findings.map(({ kind, text }) => `round ${at + 1}, ${fault}: ${kind}: ${text}`),
  ]);
  if (rounds.length === 0) reasons.push('there was no round');
  return { passed: reasons.length === 0, reasons: reasons.slice(0, COMPLAINTS_MAX) };
}

const seconds = (ms: number) => (ms / 1_000).toFixed(1);
const cellsOf = (each: FaultSummary): string[] => [
  each.fault,
  each.plan,
  String(each.times),
  String(each.failed),
  seconds(each.restedP50Ms),
  seconds(each.restedMaxMs),
  String(each.doubled),
  String(each.lost),
  String(each.wrong),
];
const HEAD = [
  'fault',
  'plan',
  'times',
  'failed',
  'rest p50 s',
  'rest max s',
  'doubled',
  'lost',
  'wrong',
];

/** The run as lines for people; the last one is the verdict. */
export function reportLines(outcome: SettlementOutcome): string[] {
  const { passed, reasons } = judgeRun(outcome);
  const rows = [HEAD, ...summariesOf(outcome).map(cellsOf)];
  const widths = HEAD.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return [
    ...rows.map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
    '',
    `asked for  ${outcome.withdrawals} withdrawals, ${outcome.deposits} deposits`,
    `run        ${outcome.seconds.toFixed(0)} s, seed ${outcome.options.seed}`,
    ...reasons.map((reason) => `  ${reason}`),
    `VERDICT    ${passed ? 'passed' : 'FAILED'}`,
  ];
}

/** The run as one object. */
export function reportJson(outcome: SettlementOutcome): Record<string, unknown> {
  const { passed, reasons } = judgeRun(outcome);
  const faults = summariesOf(outcome);
  const sum = (of: (each: FaultSummary) => number) =>
    faults.reduce((all, each) => all + of(each), 0);
  return {
    passed,
    reasons,
    seed: outcome.options.seed,
    seconds: Math.round(outcome.seconds),
    rounds: sum(({ times }) => times),
    failedRounds: sum(({ failed }) => failed),
    doubled: sum(({ doubled }) => doubled),
    lost: sum(({ lost }) => lost),
    wrong: sum(({ wrong }) => wrong),
    withdrawals: outcome.withdrawals,
    deposits: outcome.deposits,
    faults,
  };
}

/** The run as a page in Markdown, with the conditions under which it was made. */
export function reportMarkdown(outcome: SettlementOutcome, atMs: number): string {
  const { passed, reasons } = judgeRun(outcome);
  const { options } = outcome;
  const summaries = summariesOf(outcome);
  const rows = summaries.map((each) => `| ${cellsOf(each).join(' | ')} |`);
  const meanings = options.faults
    .filter(({ name }) => summaries.some(({ fault }) => fault === name))
    .map(({ name, meaning }) => `| ${name} | ${meaning} |`);
  const times = summaries.reduce((sum, each) => sum + each.times, 0);
  const fakes = summaries.find(({ fault }) => fault === 'deposits.fake')?.times ?? 0;
  const memoryGib = (totalmem() / 2 ** 30).toFixed(0);
  return `# Settlement under faults

\`npm run test:settlement -- --rounds ${options.rounds} --report docs/settlement-faults.md\` wrote this page. How the test works:
[test/settlement](../test/settlement/README.md).

**${passed ? `Passed: ${times} kills and lies; nobody paid twice, no credit lost or doubled, units conserved after each.` : 'FAILED.'}**

${reasons.map((reason) => `- ${reason}\n`).join('')}
- ${new Date(atMs).toISOString().slice(0, 10)}, ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'CPU'}, ${memoryGib} GiB, Node ${process.version}: everything, the checker included,
  on this one machine.
- ${outcome.seconds.toFixed(0)} s; ${outcome.withdrawals} withdrawals asked for, ${outcome.deposits} deposits on the chain, ${fakes} × ${FAKE_KINDS} fake deposits of
  which none was credited. Seed ${options.seed}. A paused leader slept ${options.pauseSeconds} s the first time of each kind, 13 s after that.
- *Rest* is the time from the end of the fault until all that was asked for is paid, credited and told. *Failed* counts rounds
  whose fault did not bite or that did not come to rest. *Plan* is the fault's number in the plan of tests.

| ${HEAD.join(' | ')} |
|${HEAD.map(() => '---|').join('')}
${rows.join('\n')}

## The faults

| fault | what happens |
|---|---|
${meanings.join('\n')}
`;
}

import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Finding } from './check/findings.js';
import type { CrashOutcome, Round } from './crash-run.js';
import type { CrashOptions } from './options.js';
import { CRASH_POINTS, type CrashPoint } from './points.js';

/** What all rigs of a run came to. */
export type CrashReport = CrashOutcome & {
  readonly options: CrashOptions;
  readonly seconds: number;
};

/** One line of the table. */
export type PointSummary = {
  readonly point: string;
  readonly kills: number;
  /** Rounds that prove nothing: the fault did not bite, or the system did not come back. */
  readonly failed: number;
  readonly recoveredP50Ms: number;
  readonly recoveredMaxMs: number;
  readonly lost: number;
  readonly doubled: number;
  /** All other findings. */
  readonly wrong: number;
};

const COMPLAINTS_MAX = 20;

/** The rounds of one point, added up. */
export function summaryOf(point: string, rounds: readonly Round[]): PointSummary {
  const good = rounds.filter(({ failure }) => failure === undefined);
  const times = good.map(({ recoveredMs }) => recoveredMs).sort((a, b) => a - b);
  const findings = rounds.flatMap((round) => round.findings);
  const [lost, doubled] = [count(findings, 'lost'), count(findings, 'doubled')];
  return {
    point,
    kills: good.length,
    failed: rounds.length - good.length,
    recoveredP50Ms: times[Math.ceil(times.length / 2) - 1] ?? 0,
    recoveredMaxMs: times.at(-1) ?? 0,
    lost,
    doubled,
    wrong: findings.length - lost - doubled,
  };
}

function count(findings: readonly Finding[], kind: Finding['kind']): number {
  return findings.filter((each) => each.kind === kind).length;
}

/** One summary per point that was run, in the order of the run. */
export function summariesOf({ options, rounds }: CrashReport): PointSummary[] {
  return options.points.map(({ name }) =>
    summaryOf(
      name,
      rounds.filter(({ point }) => point === name),
    ),
  );
}

/** The verdict, with each reason against it in a sentence. */
export function judgeRun(outcome: CrashOutcome): { passed: boolean; reasons: string[] } {
  const reasons = outcome.rounds.flatMap(({ point, failure, findings }, at) => [
    ...(failure === undefined ? [] : [`round ${at + 1}, ${point}: ${failure}`]),
    ...findings.map(({ kind, text }) => `round ${at + 1}, ${point}: ${kind}: ${text}`),
  ]);
  reasons.push(...outcome.last.map(({ kind, text }) => `at the end: ${kind}: ${text}`));
  if (outcome.payments.acked === 0) reasons.push('no payment was acknowledged');
  return { passed: reasons.length === 0, reasons: reasons.slice(0, COMPLAINTS_MAX) };
}

const seconds = (ms: number) => (ms / 1_000).toFixed(1);

/** The run as lines for people; the last one is the verdict. */
export function reportLines(outcome: CrashReport): string[] {
  const { payments, options } = outcome;
  const { passed, reasons } = judgeRun(outcome);
  const rows = summariesOf(outcome).map((each) => cellsOf(each));
  const head = ['point', 'kills', 'failed', 'back p50 s', 'back max s', 'lost', 'doubled', 'wrong'];
  return [
    ...table([head, ...rows]),
    '',
    `payments   ${payments.sent} sent, ${payments.acked} answers "owed", ${payments.unanswered} given up`,
    `run        ${outcome.seconds.toFixed(0)} s, seed ${options.seed}`,
    ...reasons.map((reason) => `  ${reason}`),
    `VERDICT    ${passed ? 'passed' : 'FAILED'}`,
  ];
}

function cellsOf(each: PointSummary): string[] {
  return [
    each.point,
    String(each.kills),
    String(each.failed),
    seconds(each.recoveredP50Ms),
    seconds(each.recoveredMaxMs),
    String(each.lost),
    String(each.doubled),
    String(each.wrong),
  ];
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  '),
  );
}

/** The run as one object. */
export function reportJson(outcome: CrashReport): Record<string, unknown> {
  const { passed, reasons } = judgeRun(outcome);
  const points = summariesOf(outcome);
  const sum = (of: (each: PointSummary) => number) =>
    points.reduce((all, each) => all + of(each), 0);
  const atEnd = (kind: Finding['kind']) => count(outcome.last, kind);
  return {
    passed,
    reasons,
    seed: outcome.options.seed,
    seconds: Math.round(outcome.seconds),
    kills: sum(({ kills }) => kills),
    failedRounds: sum(({ failed }) => failed),
    lost: sum(({ lost }) => lost) + atEnd('lost'),
    doubled: sum(({ doubled }) => doubled) + atEnd('doubled'),
    wrong: sum(({ wrong }) => wrong) + outcome.last.length - atEnd('lost') - atEnd('doubled'),
    payments: outcome.payments,
    points,
  };
}

/** The run as a page in Markdown, with the conditions under which it was made. */
export function reportMarkdown(outcome: CrashReport, atMs: number): string {
  const { passed, reasons } = judgeRun(outcome);
  const { options, payments } = outcome;
  const rows = summariesOf(outcome).map((each) => `| ${cellsOf(each).join(' | ')} |`);
  const meanings = options.points.map(
    ({ name, meaning }: CrashPoint) => `| ${name} | ${meaning} |`,
  );
  const kills = summariesOf(outcome).reduce((sum, each) => sum + each.kills, 0);
  const memoryGib = (totalmem() / 2 ** 30).toFixed(0);
  return `# Crash report

\`npm run test:crash -- --rounds ${options.rounds}${options.rigs > 1 ? ` --rigs ${options.rigs}` : ''} --report docs/crash-report.md\` wrote this page. How the test works:
[test/crash](../test/crash/README.md).

**${passed ? `Passed: ${kills} kills, nothing lost, nothing applied twice.` : 'FAILED.'}**

${reasons.map((reason) => `- ${reason}\n`).join('')}
- ${new Date(atMs).toISOString().slice(0, 10)}, ${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'CPU'}, ${memoryGib} GiB, Node ${process.version}: everything, the payer and the checker
  included, on this one machine.
- ${outcome.seconds.toFixed(0)} s${options.rigs > 1 ? `, ${options.rigs} whole systems beside one another` : ''}; ${payments.sent} payments sent at ${options.paymentsPerSecond} a second${options.rigs > 1 ? ' to each' : ''} (a tenth of them twice), ${payments.acked} answers that say what is owed,
  ${payments.unanswered} given up by the client. Seed ${options.seed}.
- *Back* is the time from the death until the process is ready again, payments are acknowledged again, and everything
  acknowledged until then is in the books. *Failed* counts rounds whose fault did not bite or that did not come back.

| point | kills | failed | back p50 s | back max s | lost | doubled | wrong |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}

## The points

| point | at that moment |
|---|---|
${meanings.join('\n')}
${CRASH_POINTS.length > options.points.length ? '\nNot all points were run.\n' : ''}`;
}

import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tool, toolEnvironment } from './paths.mjs';
import { runInForeground } from './process.mjs';

export const TIERS = ['unit', 'int', 'e2e'];

/** Names of tiers choose tiers; the rest goes to vitest. */
export function splitTestArguments(args) {
  const tiers = TIERS.filter((tier) => args.includes(tier));
  return {
    tiers: tiers.length > 0 ? tiers : TIERS,
    rest: args.filter((arg) => !TIERS.includes(arg)),
  };
}

/**
 * Counts of one vitest JSON report. A file that could not be loaded has no tests to count: it is one
 * failure, and so is a run that ended badly without naming a failed test.
 */
export function countTests(report, exitCode) {
  const passed = report?.numPassedTests ?? 0;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  const broken = (report?.testResults ?? []).filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults?.some((test) => test.status === 'failed'),
  ).length;
  const failed = (report?.numFailedTests ?? 0) + broken;
  return { passed, failed: failed === 0 && exitCode !== 0 ? 1 : failed, skipped };
}

/** The closing line, alone on its line, in the form that programs read. */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

async function runTier(tier, rest, folder) {
  const file = join(folder, `${tier}.json`);
  const args = [
    'run',
    '--project',
    tier,
    '--passWithNoTests',
    '--reporter=default',
    '--reporter=json',
  ];
  const code = await runInForeground(
    tool('vitest'),
    [...args, `--outputFile.json=${file}`, ...rest],
    toolEnvironment({ TMPDIR: folder }),
  );
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // A runner that died has written nothing; its exit code counts.
  }
  return { tier, ...countTests(report, code) };
}

/** All tiers, one after the other: two would fight for the machine and blur each other's timing. */
export async function test(args) {
  const { tiers, rest } = splitTestArguments(args);
  // What tests leave in their temporary folder goes with it. Postgres, which does not run as root, has to get through.
  const folder = mkdtempSync(join(tmpdir(), 'swarmledger-tests-'));
  chmodSync(folder, 0o711);
  const counts = [];
  for (const tier of tiers) counts.push(await runTier(tier, rest, folder));
  const total = { passed: 0, failed: 0, skipped: 0 };
  process.stdout.write('\n');
  for (const each of counts) {
    process.stdout.write(`${each.tier.padEnd(4)} ${closingLine(each)}\n`);
    for (const key of Object.keys(total)) total[key] += each[key];
  }
  if (total.passed + total.failed === 0) {
    process.stdout.write('no test was run\n');
    total.failed = 1;
  }
  leave(folder, total.failed > 0);
  process.stdout.write(`${closingLine(total)}\n`);
  return total.failed === 0 ? 0 : 1;
}

// Logs of a run that failed are wanted, and servers that outlive a runner which died are found by what stands there.
function leave(folder, isWanted) {
  if (isWanted) {
    process.stdout.write(`what the tests left is in ${folder}\n`);
    return;
  }
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  } catch (error) {
    process.stderr.write(`${folder} cannot be removed: ${error.message}\n`);
  }
}

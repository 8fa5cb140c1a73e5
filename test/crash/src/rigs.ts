import { join } from 'node:path';
import type { Progress } from '../../../load-tests/src/bench/progress.js';
import { CrashRun, type Round } from './crash-run.js';
import type { CrashOptions } from './options.js';
import type { CrashReport } from './report.js';

/**
 * Runs all points on as many rigs as asked for: whole systems beside one another, each with a payer and a
 * checker of its own, that take the next point from one queue. Most of a round is waiting for what was
 * killed, so that rigs hardly take time from one another. Throws when one of them is lost, after all ended.
 */
export async function runOnRigs(
  options: CrashOptions,
  folder: string,
  progress: Progress,
): Promise<CrashReport> {
  progress.say(`seed ${options.seed}; data, logs and acknowledgements in ${folder}`);
  const startedMs = Date.now();
  const queue = [...options.points];
  const bar = progress.bar('kills', queue.length * options.rounds);
  const watch = (round: Round) => {
    for (const line of complaintsOf(round)) progress.say(`\n${round.point}: ${line}`);
    bar.advance(1);
  };
  const rigs = Math.min(options.rigs, queue.length);
  const runs = await Promise.allSettled(
    Array.from({ length: rigs }, (_, rig) => {
      const own = { ...options, seed: options.seed + rig };
      return CrashRun.run(own, queue, join(folder, `rig-${rig + 1}`), watch);
    }),
  );
  const outcomes = runs.map((run) => {
    if (run.status === 'rejected') throw run.reason;
    return run.value;
  });
  bar.done();
  const sum = (of: 'sent' | 'acked' | 'unanswered') =>
    outcomes.reduce((all, { payments }) => all + payments[of], 0);
  return {
    options,
    rounds: outcomes.flatMap(({ rounds }) => rounds),
    last: outcomes.flatMap(({ last }) => last),
    payments: { sent: sum('sent'), acked: sum('acked'), unanswered: sum('unanswered') },
    seconds: (Date.now() - startedMs) / 1_000,
  };
}

function complaintsOf({ failure, findings }: Round): string[] {
  const found = findings.map(({ kind, text }) => `${kind}: ${text}`);
  return failure === undefined ? found : [failure, ...found];
}

import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Engine } from './k6.js';

/** Files of one run. */
export type RunFiles = {
  readonly root: string;
  readonly folder: string;
  readonly planFile: string;
  readonly summaryFile: string;
};

const summarySchema = z.object({
  metrics: z.record(
    z.string(),
    z.object({
      values: z.record(z.string(), z.number()).default({}),
      thresholds: z.record(z.string(), z.object({ ok: z.boolean() })).optional(),
    }),
  ),
});

/** What k6's `handleSummary` gets, as far as it is used here. */
export type Summary = z.infer<typeof summarySchema>;

/** What a run left behind. */
export type EngineResult = { readonly summary: Summary; readonly ackLog: string };

// k6 says by this exit code that a threshold failed; the summary says which.
const THRESHOLDS_FAILED = 99;

/** Runs the script to its end. Throws with the end of the engine's own output when it could not run. */
export async function runEngine(engine: Engine, files: RunFiles): Promise<EngineResult> {
  const ackFile = join(files.folder, 'ack.log');
  const errorFile = join(files.folder, 'engine.log');
  const { command, args } = commandOf(engine, files, ackFile);
  const child = spawn(command, args, {
    cwd: files.root,
    env: { ...process.env, PLAN_FILE: files.planFile, K6_NO_USAGE_REPORT: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(errorFile);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  await new Promise<void>((resolve) => log.end(resolve));
  if ((code !== 0 && code !== THRESHOLDS_FAILED) || !existsSync(files.summaryFile)) {
    const tail = readFileSync(errorFile, 'utf8').trim().split('\n').slice(-15).join('\n');
    throw new Error(`${command} ended with exit code ${code}:\n${tail}`);
  }
  return {
    summary: summarySchema.parse(JSON.parse(readFileSync(files.summaryFile, 'utf8'))),
    ackLog: existsSync(ackFile) ? readFileSync(ackFile, 'utf8') : '',
  };
}

/** The command line of an engine. */
export function commandOf(
  engine: Engine,
  files: RunFiles,
  ackFile: string,
): { command: string; args: string[] } {
  const script = join(files.root, 'load-tests', 'k6', 'vouchers.js');
  const k6 = [
    'run',
    '--quiet',
    '--no-usage-report',
    '--log-format=raw',
    `--console-output=${ackFile}`,
  ];
  const plan = ['-e', `PLAN_FILE=${files.planFile}`, script];
  switch (engine.kind) {
    case 'k6':
      return { command: engine.path, args: [...k6, ...plan] };
    case 'docker': {
      // The same paths inside as outside, the host's network, and the caller's user for the files it writes.
      const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
      const mounts = [
        '-v',
        `${files.root}:${files.root}:ro`,
        '-v',
        `${files.folder}:${files.folder}`,
      ];
      const run = ['run', '--rm', '--network=host', '--user', user, ...mounts];
      return { command: 'docker', args: [...run, engine.image, ...k6, ...plan] };
    }
    case 'node': {
      const standIn = join(files.root, 'dist', 'load-tests', 'src', 'stand-in', 'main.js');
      return { command: process.execPath, args: [standIn, script, ackFile] };
    }
  }
}

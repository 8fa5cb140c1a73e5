import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { repositoryRoot } from '../../../deploy/local/src/root.js';
import { NoServerError } from '../../../deploy/local/src/server-sources.js';
import { bench, type Surroundings } from './bench.js';
import { type BenchOptions, HELP, parseBenchOptions, UsageError } from './options.js';
import { progressOn } from './progress.js';
import { conditions } from './report/conditions.js';
import { writeSection } from './report/document.js';
import { charts, scaleSection } from './report/scale-section.js';
import { type BenchResult, faultsOf, figuresOf } from './report/summary.js';
import { limitCells, markdownTable, runCells, textTable } from './report/table.js';
import { measureScale, type ScaleResult } from './scale.js';

const DOCUMENT = join(repositoryRoot, 'docs', 'performance.md');
const print = (text: string) => process.stdout.write(`${text}\n`);

function surroundings(options: BenchOptions): Surroundings {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => controller.abort(new Error(`ended by ${signal}`)));
  }
  const corpusRoot = join(repositoryRoot, '.cache', 'bench');
  mkdirSync(join(corpusRoot, 'runs'), { recursive: true });
  return {
    root: repositoryRoot,
    dataDir: resolve(options.dataDir ?? join(repositoryRoot, '.data', 'bench')),
    corpusRoot,
    folder: mkdtempSync(join(corpusRoot, 'runs', 'run-')),
    progress: progressOn(process.stderr),
    signal: controller.signal,
  };
}

/** Prints what went wrong and gives the exit code. */
function verdict(faults: readonly string[]): number {
  for (const fault of faults) print(`WRONG  ${fault}`);
  print(
    faults.length === 0 ? 'Everything acknowledged is in the ledger, and the books balance.' : '',
  );
  return faults.length === 0 ? 0 : 1;
}

async function runBench(options: BenchOptions, around: Surroundings): Promise<number> {
  const { result, conditions: told } = await bench(options, around);
  const runs = Object.values(result.runs);
  print(`\n${textTable(limitCells(result))}\n\n${textTable(runCells(runs))}\n`);
  for (const line of told) print(line);
  print(`ack logs and all figures: ${around.folder}`);
  if (options.document) writeSection(DOCUMENT, 'bench', benchSection(result, told));
  const code = verdict(faultsOf(runs));
  if (options.json) print(JSON.stringify(figuresOf(result)));
  return code;
}

function benchSection(result: BenchResult, told: readonly string[]): string {
  const runs = Object.values(result.runs);
  return [
    told.map((line) => `- ${line}`).join('\n'),
    markdownTable(limitCells(result)),
    markdownTable(runCells(runs)),
  ].join('\n\n');
}

async function runScale(options: BenchOptions, around: Surroundings): Promise<number> {
  const told = conditions(around.root);
  const result = await measureScale(options.curves, options.seconds, around);
  const lines = [...told, `servers: ${result.servers}`];
  for (const [file, svg] of charts(result)) {
    writeFileSync(join(repositoryRoot, 'docs', file), `${svg}\n`);
  }
  const section = scaleSection(result, lines, options.seconds);
  writeSection(DOCUMENT, 'scale', section);
  print(section);
  const runs = Object.values(result.curves).flatMap((points) => points.map(({ run }) => run));
  const code = verdict(faultsOf(runs));
  if (options.json) print(JSON.stringify(scaleJson(result)));
  return code;
}

function scaleJson({ curves, restartSeconds }: ScaleResult): Record<string, unknown> {
  const figures = Object.entries(curves).map(([growth, points]) => [
    growth,
    points.map(({ size, run }) => ({
      size,
      ackedPerSecond: Math.round(run.top.ackedPerSecond),
      appliedPerSecond: Math.round(run.top.appliedPerSecond),
    })),
  ]);
  return { ...Object.fromEntries(figures), restartSeconds };
}

let ended: AbortSignal | undefined;
try {
  const options = parseBenchOptions(process.argv.slice(2));
  if (options.help) print(HELP.trimEnd());
  else {
    const around = surroundings(options);
    ended = around.signal;
    process.exitCode = await (options.scale ? runScale : runBench)(options, around);
  }
} catch (error) {
  // What fails because the stack was told to stop is not why the run ended.
  const cause: unknown = ended?.aborted ? ended.reason : error;
  process.stderr.write(
    `npm run bench: ${cause instanceof Error ? cause.message : String(cause)}\n`,
  );
  if (error instanceof UsageError) process.stderr.write('See npm run bench -- --help\n');
  process.exitCode = error instanceof UsageError || error instanceof NoServerError ? 2 : 1;
}

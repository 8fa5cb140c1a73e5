import { parseArgs } from 'node:util';
import { SCENARIO_NAMES, type ScenarioName, scenariosOf } from './scenarios.js';

/** Which program sends the load. */
export const ENGINES = ['auto', 'k6', 'docker', 'node'] as const;
export type EngineName = (typeof ENGINES)[number];

/** What one run does. */
export type LoadOptions = {
  readonly help: boolean;
  readonly scenarios: readonly ScenarioName[];
  readonly vouchersPerSecond: number;
  readonly durationSeconds: number;
  readonly batchItems: number;
  readonly channels: number;
  /** Share of vouchers that are bad on purpose, in percent; undefined leaves it to the scenario. */
  readonly badPercent: number | undefined;
  readonly p99Ms: number;
  /** Requests that may fail to start in time, in percent. */
  readonly droppedPercentMax: number;
  /** Share of requests that may fail, and of vouchers that may be put off, 0 to 1. */
  readonly errorRateMax: number;
  readonly engine: EngineName;
  /** Build k6 when there is none. */
  readonly mayInstall: boolean;
  readonly stateFile: string | undefined;
  readonly json: boolean;
};

/** The caller's mistake, in one sentence per line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const HELP = `usage: npm run load -- [options]
Posts pre-signed vouchers over gRPC at a fixed rate, then checks that everything acknowledged is in the ledger.
The last line is the verdict: PASS, or FAIL with the reasons.
Uses the running stack (npm start); without one it starts its own and stops it at the end.

  --scenario NAME  unary, stream, mixed (one voucher in ten is bad), hot-payee (all channels pay one payee), hot-payer
                   (one payer pays all), or all, one after the other (default)
  --rate N         vouchers a second (default 2000)
  --seconds N      seconds of each scenario (default 30)
  --smoke          a short run: 500 vouchers a second for 5 seconds, 40 channels, p99 threshold of 5 seconds
  --batch N        vouchers in one request, 1 to 4096 (default 50)
  --channels N     payment channels (default 400)
  --bad N          percent of vouchers that are bad on purpose (default 1, with mixed 10)
  --p99-ms N       threshold: p99 of a request's duration in milliseconds (default 250)
  --engine NAME    auto, k6, docker or node. Default auto: k6 from the PATH, else from .cache/tools/bin, else built there
                   with "go install" (once, a few minutes), else its Docker image, else "node": a small stand-in that
                   runs the same script on Node, for checks and not for published numbers. The report names the engine
  --no-install     never build k6. It is under the AGPL: it is run as a program of its own, unmodified, and never
                   becomes part of this project
  --state FILE     state file of the stack (default .data/state.json)
  --json           print the result as one JSON object on the last line
  --help

Exits 0 when every threshold and the reconciliation hold, 1 when one does not, 2 when it could not run.
`;

/** Reads the command line. Throws a UsageError that lists every mistake. */
export function parseLoadOptions(args: readonly string[]): LoadOptions {
  const values = parse(args);
  const mistakes: string[] = [];
  const smoke = values.smoke === true;
  const integer = (
    name: 'rate' | 'seconds' | 'batch' | 'channels' | 'bad' | 'p99-ms',
    fallback: number,
    min: number,
    max: number,
  ) => {
    const text = values[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    mistakes.push(`--${name} must be a whole number from ${min} to ${max}, not "${text}"`);
    return fallback;
  };
  const scenario = values.scenario ?? 'all';
  const scenarios = scenariosOf(scenario);
  if (scenarios === undefined) {
    mistakes.push(`--scenario must be all or ${SCENARIO_NAMES.join(', ')}, not "${scenario}"`);
  }
  const engine = values.engine ?? 'auto';
  if (!ENGINES.some((name) => name === engine)) {
    mistakes.push(`--engine must be one of ${ENGINES.join(', ')}, not "${engine}"`);
  }
  const options: LoadOptions = {
    help: values.help === true,
    scenarios: scenarios ?? [],
    vouchersPerSecond: integer('rate', smoke ? 500 : 2_000, 1, 1_000_000),
    durationSeconds: integer('seconds', smoke ? 5 : 30, 1, 3_600),
    batchItems: integer('batch', 50, 1, 4_096),
    channels: integer('channels', smoke ? 40 : 400, 1, 100_000),
    badPercent: values.bad === undefined ? undefined : integer('bad', 1, 0, 50),
    // A smoke run checks answers and books on machines that may be busy; its figures are not for publishing.
    p99Ms: integer('p99-ms', smoke ? 5_000 : 250, 1, 60_000),
    droppedPercentMax: smoke ? 10 : 1,
    errorRateMax: smoke ? 0.1 : 0.001,
    engine: engine as EngineName,
    mayInstall: values['no-install'] !== true,
    stateFile: values.state,
    json: values.json === true,
  };
  if (options.vouchersPerSecond < options.batchItems) {
    mistakes.push(
      `--rate ${options.vouchersPerSecond} is less than one request of --batch ${options.batchItems}`,
    );
  }
  if (options.vouchersPerSecond * options.durationSeconds > 10_000_000) {
    mistakes.push('more than 10 000 000 vouchers would have to be signed in advance');
  }
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  return options;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rate: { type: 'string' },
        seconds: { type: 'string' },
        scenario: { type: 'string' },
        smoke: { type: 'boolean' },
        batch: { type: 'string' },
        channels: { type: 'string' },
        bad: { type: 'string' },
        'p99-ms': { type: 'string' },
        engine: { type: 'string' },
        'no-install': { type: 'boolean' },
        state: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

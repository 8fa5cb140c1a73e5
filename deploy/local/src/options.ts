import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseOptions as parseDemoOptions } from '../../demo/src/options.js';
import type { Ports } from './ports.js';
import { repositoryRoot } from './root.js';
import { ALL_PARTS, type PartName, PORT_NAMES } from './stack-context.js';

export const COMMANDS = ['start', 'demo', 'status', 'down', 'reset'] as const;
export type Command = (typeof COMMANDS)[number];

export interface LauncherOptions {
  readonly command: Command;
  readonly help: boolean;
  readonly dataDir: string;
  readonly withDemo: boolean;
  readonly json: boolean;
  /** Handed on to the demo. */
  readonly demoArguments: readonly string[];
  readonly yes: boolean;
  /** An acknowledgement waits until it is on the disk. */
  readonly powerLossSafe: boolean;
  readonly ports: Ports;
  /** What to start; everything when undefined. */
  readonly parts: readonly PartName[] | undefined;
}

/** A mistake of the user, told without a stack trace. */
export class UsageError extends Error {}

/** `name=NNNN` pairs into ports; every name and number is checked. */
export function parsePorts(pairs: readonly string[]): Ports {
  const ports: Ports = {};
  for (const pair of pairs) {
    const [name = '', text = ''] = pair.split('=');
    if (!PORT_NAMES.includes(name)) {
      throw new UsageError(`--port ${pair}: the name must be one of ${PORT_NAMES.join(', ')}`);
    }
    const port = Number(text);
    if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
      throw new UsageError(`--port ${pair}: a port is a number from 1 to 65535`);
    }
    ports[name] = port;
  }
  return ports;
}

/** A comma list of parts. Services bring the servers they need with them. */
export function parseParts(text: string): PartName[] {
  return text.split(',').map((name) => {
    const part = ALL_PARTS.find((each) => each === name);
    if (!part) throw new UsageError(`--only ${name}: the parts are ${ALL_PARTS.join(', ')}`);
    return part;
  });
}

const DEMO_COMMANDS: ReadonlySet<Command> = new Set(['start', 'demo']);
const STARTING_OPTIONS = {
  'power-loss-safe': { type: 'boolean' },
} as const;
const DEMO_OPTIONS = {
  payments: { type: 'string' },
  'file-mib': { type: 'string' },
  seed: { type: 'string' },
} as const;

function usageError(command: Command, error: unknown): UsageError {
  const text = error instanceof Error ? error.message : String(error);
  const npm = command === 'start' ? 'npm start' : `npm run ${command}`;
  return new UsageError(`${text}; see ${npm} -- --help`);
}

/** What of the command line the demo gets, checked as the demo itself does: a mistake is told before anything starts. */
function demoArguments(command: Command, values: Record<string, unknown>): string[] {
  const given = Object.keys(DEMO_OPTIONS).flatMap((name) =>
    values[name] === undefined ? [] : [`--${name}`, String(values[name])],
  );
  try {
    parseDemoOptions(['--state', 'checked-later', ...given], 0);
  } catch (error) {
    throw usageError(command, error);
  }
  return given;
}

/** The launcher's command line. Throws UsageError with what is wrong. */
export function parseLauncherArguments(args: readonly string[]): LauncherOptions {
  const [command, ...rest] = args;
  const known = COMMANDS.find((each) => each === command);
  if (!known) throw new UsageError(`the command must be one of ${COMMANDS.join(', ')}`);
  let values: Record<string, unknown>;
  try {
    ({ values } = parseArgs({
      args: rest,
      strict: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        data: { type: 'string' },
        'no-demo': { type: 'boolean' },
        json: { type: 'boolean' },
        only: { type: 'string' },
        yes: { type: 'boolean', short: 'y' },
        port: { type: 'string', multiple: true },
        ...(DEMO_COMMANDS.has(known) ? { ...DEMO_OPTIONS, ...STARTING_OPTIONS } : {}),
      },
    }));
  } catch (error) {
    throw usageError(known, error);
  }
  const parts = values.only === undefined ? undefined : parseParts(String(values.only));
  return {
    command: known,
    help: values.help === true,
    dataDir: resolve(String(values.data ?? join(repositoryRoot, '.data'))),
    withDemo: values['no-demo'] !== true && !parts,
    parts,
    json: values.json === true,
    demoArguments: demoArguments(known, values),
    yes: values.yes === true,
    powerLossSafe: values['power-loss-safe'] === true,
    ports: parsePorts((values.port as string[] | undefined) ?? []),
  };
}

const COMMON = '  --data DIR            data folder (default .data)\n';
const STARTING = `${COMMON}  --port NAME=NUMBER    use this port; may be repeated. Names:
                        ${PORT_NAMES.slice(0, 8).join(', ')},
                        ${PORT_NAMES.slice(8).join(', ')}
  --power-loss-safe     an acknowledgement survives a power loss of this machine; the same as
                        KAFKA_LOG_FLUSH_INTERVAL_MESSAGES=1 in the environment

Servers are taken from the environment when these are set, else started locally, else in Docker:
  DATABASE_URL          a Postgres 18 database whose user may create roles
  KAFKA_BROKERS         host:port, comma separated
  TRON_NODE_URL         a TRON node; with CHAIN_ID, VAULT_ADDRESS, TRC20_ADDRESS and TRC10_ID its
                        contracts are used, else ours are deployed there
`;

const DEMO_HELP = `  --payments N          payments of the demo in all, 100 to 1000000 (default 24000)
  --file-mib N          size of the file that the demo downloads, 1 to 1024 MiB (default 32)
  --seed N              decides the demo's amounts and prices (default random)
`;

const HELP: Readonly<Record<Command, string>> = {
  start: `npm start -- [options]
Starts Postgres, Kafka, a local TRON chain and the five services, runs the demo once and stays up
until Ctrl-C. Data and ports are kept for the next start.

${DEMO_HELP}  --no-demo             only the stack
  --only PART,PART      only these parts, without the demo; parts:
                        ${ALL_PARTS.join(', ')}
${STARTING}`,
  demo: `npm run demo -- [options]
Starts the stack, runs the demo, stops everything. Exits 0 when every figure is right.

${DEMO_HELP}  --json                the last line is one JSON object; progress goes to standard error
${STARTING}`,
  status: `npm run status -- [options]
Lists the processes of the stack. Exits 3 when it does not run.

  --json                as JSON
${COMMON}`,
  down: `npm run down -- [options]
Stops a running stack, or what a killed launcher has left running.

${COMMON}`,
  reset: `npm run reset -- [options]
Stops the stack and deletes its data folder.

  --yes                 do not ask
${COMMON}`,
};

export function helpText(command: Command): string {
  return HELP[command];
}

import { existsSync, readFileSync } from 'node:fs';
import { build } from './build.mjs';
import { check } from './check.mjs';
import { fuzz } from './fuzz.mjs';
import { generate } from './generate.mjs';
import { inRoot, projectNode, tool, toolEnvironment } from './paths.mjs';
import { runInForeground } from './process.mjs';
import { test } from './test.mjs';

const compiled = (path) => inRoot('dist', ...path.split('/'));

/** A compiled program of ours, with the command's own arguments. */
async function runCompiled(path, args, env = {}) {
  if (!existsSync(compiled(path))) {
    process.stderr.write(`dist/${path} does not exist: the sources of this command are missing\n`);
    return 1;
  }
  const warnings = '--disable-warning=TimeoutNegativeWarning';
  return await runInForeground(
    projectNode(),
    ['--enable-source-maps', warnings, compiled(path), ...args],
    toolEnvironment({ NODE_COMPILE_CACHE: inRoot('.cache', 'node'), ...env }),
  );
}

const launcher = (command, summary) => ({
  summary,
  builds: true,
  ownHelp: true,
  run: (args, startedAtMs) =>
    runCompiled('deploy/local/src/main.js', [command, ...args], {
      SWARMLEDGER_STARTED_AT_MS: String(startedAtMs),
    }),
});

/** The address of the running stack's database, unless the environment names one. */
function databaseUrl() {
  if (process.env.DATABASE_URL) return process.env.DATABASE_URL;
  try {
    return JSON.parse(readFileSync(inRoot('.data', 'state.json'), 'utf8')).endpoints.databaseUrl;
  } catch {
    return undefined;
  }
}

async function migrate(args) {
  const url = databaseUrl();
  if (!url) {
    process.stderr.write('migrate needs DATABASE_URL, or a stack started by npm start\n');
    return 2;
  }
  return await runCompiled('libs/database/src/migrate.js', args, { DATABASE_URL: url });
}

const FORMAT = ['check', '--write', '.'];

/** Every command: what it does, whether it needs dist/, and how to run it. */
export const COMMANDS = {
  start: launcher('start', 'start the whole stack, run the demo once, stay up until Ctrl-C'),
  demo: launcher('demo', 'start the stack, run the demo, stop everything'),
  status: launcher('status', 'list the processes of the stack'),
  verify: {
    summary: 'replay the journal and compare balances, batches and epochs with it and the chain',
    builds: true,
    ownHelp: true,
    run: (args) => runCompiled('deploy/verify/src/main.js', args),
  },
  down: launcher('down', 'stop the stack'),
  reset: launcher('reset', 'stop the stack and delete its data'),
  test: {
    summary: 'run all tests with real servers',
    usage: 'npm test -- [unit] [int] [e2e] [arguments of vitest]',
    builds: true,
    run: test,
  },
  check: {
    summary: 'format, lint, types, import rules, generated files, unit tests',
    usage: 'npm run check',
    builds: false,
    run: check,
  },
  settle: {
    summary:
      'show what settlement would pay and what it costs, pay it, follow it; or rehearse with --payouts N',
    builds: true,
    ownHelp: true,
    run: (args) => runCompiled('deploy/settle/src/main.js', args),
  },
  load: {
    summary: 'put load on the gRPC API with k6',
    builds: true,
    ownHelp: true,
    run: (args) => runCompiled('load-tests/src/main.js', args),
  },
  bench: {
    summary: 'measure what this machine can do, with pre-signed payments of four kinds',
    builds: true,
    ownHelp: true,
    run: (args) => runCompiled('load-tests/src/bench/main.js', args),
  },
  'test:crash': {
    summary: 'kill the services and servers again and again under load, and check the books',
    builds: true,
    ownHelp: true,
    run: (args) => runCompiled('test/crash/src/main.js', args),
  },
  'test:settlement': {
    summary: 'kill settlement and let the chain lie, again and again, and check who was paid',
    builds: true,
    ownHelp: true,
    run: (args) => runCompiled('test/settlement/src/main.js', args),
  },
  'test:fuzz': {
    summary: 'hostile messages, frames and log records, as many as you like, with a seed',
    usage: 'npm run test:fuzz -- [--cases N] [--seed S]',
    builds: true,
    run: fuzz,
  },
  keystore: {
    summary: 'make, import or show the encrypted key of the hot wallet',
    builds: true,
    ownHelp: true,
    run: (args) => runCompiled('deploy/keystore/src/main.js', args),
  },
  build: {
    summary: 'compile to dist/',
    usage: 'npm run build',
    builds: false,
    run: () => build({ force: true }),
  },
  generate: {
    summary: 'make the generated files anew: types of proto/, artefacts of contracts/',
    usage: 'npm run generate',
    builds: false,
    run: generate,
  },
  format: {
    summary: 'format the sources and apply safe fixes',
    usage: 'npm run format',
    builds: false,
    run: () => runInForeground(tool('biome'), FORMAT, toolEnvironment()),
  },
  migrate: {
    summary: 'bring a database to the current schema (DATABASE_URL, else the running stack)',
    usage: 'DATABASE_URL=postgres://… npm run migrate',
    builds: true,
    run: migrate,
  },
};

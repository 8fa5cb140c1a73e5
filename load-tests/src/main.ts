import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerClient } from '#libs/client';
import type { Units } from '#libs/domain';
import { repositoryRoot } from '../../deploy/local/src/root.js';
import { type Corpus, depositFor, type PayableChannel, signCorpus } from './corpus.js';
import { runEngine } from './engine.js';
import { inParallel, openChannels } from './funding.js';
import { type Engine, findEngine, NoEngineError, surroundings } from './k6.js';
import { HELP, type LoadOptions, parseLoadOptions, UsageError } from './options.js';
import { planOf, requestsOf } from './plan.js';
import { type AckLog, readAckLog, reconcile } from './reconcile.js';
import { judgeRun, type Outcome, reportJson, reportLines, verdictLine } from './report.js';
import { SCENARIOS, type ScenarioName } from './scenarios.js';
import type { StackAddresses } from './stack.js';
import { withStack } from './stack.js';

const CORPUS_VALID_MS = 24 * 3_600_000;
const DRAIN_TIMEOUT_MS = 60_000;
const DRAIN_POLL_MS = 100;
const READS_AT_ONCE = 32;
/** A stack that has just started compiles its code while it answers. A run that is not longer than this is not for figures. */
const WARM_SECONDS = 10;

const say = (text: string) => process.stderr.write(`${text}\n`);

async function load(options: LoadOptions): Promise<Outcome[]> {
  const tools = join(repositoryRoot, '.cache', 'tools');
  // Before anything is started: without an engine there is nothing to do.
  const engine = await findEngine(options.engine, options.mayInstall, surroundings(tools, say));
  return await withStack(options.stateFile, say, async (stack) => {
    const ledger = await LedgerClient.connect(stack.balanceGrpc);
    try {
      const outcomes: Outcome[] = [];
      const [first] = options.scenarios;
      if (first !== undefined && options.durationSeconds > WARM_SECONDS) {
        say(`warming up for ${WARM_SECONDS} s, which is not judged`);
        await run({ ...options, durationSeconds: WARM_SECONDS }, first, engine, stack, ledger);
      }
      for (const name of options.scenarios) {
        const outcome = await run(options, name, engine, stack, ledger);
        outcomes.push(outcome);
        for (const line of reportLines(outcome)) process.stdout.write(`${line}\n`);
      }
      return outcomes;
    } finally {
      ledger.close();
    }
  });
}

async function run(
  options: LoadOptions,
  name: ScenarioName,
  engine: Engine,
  stack: StackAddresses,
  ledger: LedgerClient,
): Promise<Outcome> {
  const { total } = requestsOf(options, name);
  const { payers, payees, badPercent } = SCENARIOS[name];
  const size = {
    requests: total,
    batchItems: options.batchItems,
    badPercent: options.badPercent ?? badPercent,
    validUntilMs: BigInt(Math.floor(ledger.nowMs()) + CORPUS_VALID_MS),
  };
  const depositUnits = depositFor(size, options.channels);
  say(`${name}: opening ${options.channels} channels with ${depositUnits} units each`);
  const { channels: count } = options;
  const channels = await openChannels(ledger, stack, {
    channels: count,
    payers: Math.min(payers, count),
    payees: Math.min(payees, count),
    depositUnits,
  });
  say(`signing ${total * options.batchItems} vouchers`);
  const corpus = signCorpus(channels, size);
  say(`sending them with ${engine.kind} for ${options.durationSeconds} s`);
  const { summary, log } = await send(options, name, engine, stack, corpus);
  const { owed, drainMs } = await drain(ledger, channels, log);
  const totals = await ledger.totals();
  return {
    scenario: name,
    options,
    engine: engine.kind,
    summary,
    log,
    books: reconcile(log.channels, owed),
    drainMs,
    conserved: totals.conserved,
    firstDifference: totals.firstDifference,
  };
}

async function send(
  options: LoadOptions,
  name: ScenarioName,
  engine: Engine,
  stack: StackAddresses,
  corpus: Corpus,
): Promise<{ summary: Outcome['summary']; log: AckLog }> {
  const runs = join(repositoryRoot, '.cache', 'load');
  mkdirSync(runs, { recursive: true });
  const folder = mkdtempSync(join(runs, 'run-'));
  const corpusFile = join(folder, 'corpus.json');
  const planFile = join(folder, 'plan.json');
  const summaryFile = join(folder, 'summary.json');
  writeFileSync(corpusFile, JSON.stringify(corpus));
  const protoRoot = join(repositoryRoot, 'proto');
  const places = { target: stack.ingestGrpc, protoRoot, corpusFile, summaryFile };
  writeFileSync(planFile, JSON.stringify(planOf(options, name, places)));
  const files = { root: repositoryRoot, folder, planFile, summaryFile };
  const { summary, ackLog } = await runEngine(engine, files);
  say(`corpus, acknowledgements and summary: ${folder}`);
  return { summary, log: readAckLog(ackLog, corpus) };
}

/** Waits until every channel owes what was acknowledged, and returns what each owes then or after the time. */
async function drain(
  ledger: LedgerClient,
  channels: readonly PayableChannel[],
  log: AckLog,
): Promise<{ owed: Map<string, Units>; drainMs: number }> {
  const owed = new Map<string, Units>();
  const startMs = Date.now();
  let open = channels.map(({ channelId }) => channelId);
  while (true) {
    await inParallel(open, READS_AT_ONCE, async (channelId) => {
      const { cumulativeUnits } = await ledger.describeChannel(channelId);
      owed.set(Buffer.from(channelId).toString('base64'), cumulativeUnits);
    });
    open = open.filter((channelId) => {
      const key = Buffer.from(channelId).toString('base64');
      return (owed.get(key) ?? 0n) < (log.channels.get(key)?.ackedUnits ?? 0n);
    });
    const drainMs = Date.now() - startMs;
    if (open.length === 0 || drainMs > DRAIN_TIMEOUT_MS) return { owed, drainMs };
    await sleep(DRAIN_POLL_MS);
  }
}

try {
  const options = parseLoadOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(HELP);
  else {
    const outcomes = await load(options);
    const passed = outcomes.every((outcome) => judgeRun(outcome).passed);
    process.stdout.write(`${verdictLine(outcomes)}\n`);
    if (options.json) {
      const scenarios = outcomes.map(reportJson);
      process.stdout.write(`${JSON.stringify({ passed, scenarios })}\n`);
    }
    process.exitCode = passed ? 0 : 1;
  }
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`npm run load: ${text}\n`);
  if (error instanceof UsageError) process.stderr.write('See npm run load -- --help\n');
  process.exitCode = error instanceof UsageError || error instanceof NoEngineError ? 2 : 1;
}

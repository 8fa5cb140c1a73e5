import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { holds } from './metrics.js';
import { runAtRate, type Scenario } from './schedule.js';
import { metric, metrics } from './state.js';

/*
 * Runs our k6 script on Node, where k6 is not to be had: the same requests, the same checks and thresholds, one
 * constant-arrival-rate scenario. Its iterations share 32 connections, and it is JavaScript: it checks the script and
 * the ledger, its figures are not k6's.
 */
const [script = '', ackFile = ''] = process.argv.slice(2);
const modules = new URL('./modules.js', import.meta.url).href;
const EXPORTS: Readonly<Record<string, string>> = {
  'k6/data': `export { SharedArray } from '${modules}';`,
  'k6/execution': `export { execution as default } from '${modules}';`,
  'k6/metrics': `export { Counter, Rate, Trend } from '${modules}';`,
  'k6/net/grpc': `export { grpc as default } from '${modules}';`,
};
registerHooks({
  resolve: (specifier, context, next) => {
    const source = EXPORTS[specifier];
    if (source === undefined) return next(specifier, context);
    return { url: `data:text/javascript,${encodeURIComponent(source)}`, shortCircuit: true };
  },
});

type Script = {
  readonly options: {
    readonly scenarios: Readonly<Record<string, Scenario>>;
    readonly thresholds: Readonly<Record<string, readonly string[]>>;
  };
  readonly default: () => Promise<void>;
  readonly handleSummary: (data: object) => Readonly<Record<string, string>>;
};

// What k6 offers to a script without import.
Object.assign(globalThis, {
  __ENV: process.env,
  open: (path: string) => readFileSync(resolve(dirname(script), path), 'utf8'),
});
const ackLog = createWriteStream(ackFile);
console.log = (...parts: unknown[]) => void ackLog.write(`${parts.join(' ')}\n`);

const loaded = (await import(pathToFileURL(script).href)) as Script;
const [scenario, ...others] = Object.values(loaded.options.scenarios);
if (scenario === undefined || others.length > 0)
  throw new Error('exactly one scenario is supported');
const elapsedSeconds = await runAtRate(scenario, loaded.default, {
  started: () => metric('iterations', 'counter').add(1),
  dropped: () => metric('dropped_iterations', 'counter').add(1),
});

let hasFailed = false;
const data = Object.fromEntries(
  [...metrics].map(([name, { type, ...rest }]) => {
    const values = metrics.get(name)?.values(elapsedSeconds) ?? {};
    const judged = (loaded.options.thresholds[name] ?? []).map((threshold) => {
      const ok = holds(threshold, values);
      hasFailed ||= !ok;
      return [threshold, { ok }] as const;
    });
    return [name, { ...rest, type, values, thresholds: Object.fromEntries(judged) }];
  }),
);
for (const [path, text] of Object.entries(loaded.handleSummary({ metrics: data }))) {
  if (path !== 'stdout') writeFileSync(path, text);
}
await new Promise<void>((done) => ackLog.end(done));
// The same exit code that k6 has for a threshold that does not hold.
process.exit(hasFailed ? 99 : 0);

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from './build.mjs';
import { differences } from './folder-diff.mjs';
import { inRoot, projectNode, tool, toolEnvironment } from './paths.mjs';
import { runQuietly } from './process.mjs';
import { dim, green, red, runSteps } from './steps.mjs';

const GENERATED = join('libs', 'contracts', 'src', 'generated');
// Output is kept and shown later: tools see no terminal then, so they are told whether there is one.
const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1', FORCE_COLOR: '0' };
const runTool = (name, ...args) => runQuietly(tool(name), args, toolEnvironment(colour));

/** Generates into a folder of its own and compares: what is committed must be what the sources give. */
async function generatedIsFresh() {
  const folder = mkdtempSync(join(tmpdir(), 'swarmledger-generated-'));
  try {
    const result = await runTool('buf', 'generate', '-o', folder);
    if (result.code !== 0) return result;
    const found = differences(join(folder, GENERATED), inRoot(GENERATED));
    const output = found.map((line) => `${GENERATED}/${line}`).join('\n');
    return { code: found.length > 0 ? 1 : 0, output: `${output}\nrun: npm run generate\n` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function contractsAreFresh() {
  const script = inRoot('dist', 'contracts', 'src', 'compile.js');
  if (!existsSync(script)) return { code: 0, output: '' };
  return await runQuietly(projectNode(), [script, '--check'], toolEnvironment());
}

const folders = () =>
  ['libs', 'services', 'deploy', 'test', 'contracts'].filter((name) => existsSync(inRoot(name)));

// The longest first: with two at a time the others fit beside it.
const STEPS = [
  { name: 'types', run: compile },
  {
    name: 'unit tests',
    run: () => runTool('vitest', 'run', '--project', 'unit', '--silent=passed-only'),
  },
  {
    name: 'format, lint',
    run: () => runTool('biome', 'check', ...(process.stdout.isTTY ? [] : ['--colors=off']), '.'),
  },
  {
    name: 'import rules',
    run: () => runTool('depcruise', ...folders(), '--config', '.dependency-cruiser.cjs'),
  },
  { name: 'proto lint', run: () => runTool('buf', 'lint') },
  { name: 'generated', run: generatedIsFresh },
  { name: 'contracts', run: contractsAreFresh, after: 'types' },
];

/** Everything that needs no server. Returns an exit code. */
export async function check() {
  const startedAtMs = Date.now();
  const results = await runSteps(STEPS, 2, ({ name, code, output, seconds }) => {
    const mark = code === 0 ? green('✓') : red('✗');
    process.stdout.write(`${mark} ${name.padEnd(14)} ${dim(`${seconds.toFixed(1)} s`)}\n`);
    if (code !== 0) process.stdout.write(`\n${output.trimEnd()}\n\n`);
  });
  const failed = results.filter(({ code }) => code !== 0).map(({ name }) => name);
  const total = `${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`;
  process.stdout.write(
    failed.length === 0
      ? `${green('all right')} in ${total}\n`
      : `${red(`failed: ${failed.join(', ')}`)} after ${total}\n`,
  );
  return failed.length === 0 ? 0 : 1;
}

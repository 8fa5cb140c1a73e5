import { parseArgs } from 'node:util';
import { tool, toolEnvironment } from './paths.mjs';
import { runInForeground } from './process.mjs';

/** The environment of a fuzz run, or a sentence about what is wrong with the arguments. */
export function fuzzEnvironment(args) {
  try {
    const options = { cases: { type: 'string' }, seed: { type: 'string' } };
    const { cases = '100000', seed = '' } = parseArgs({ args, options }).values;
    for (const [name, text] of Object.entries({ cases, seed })) {
      if (text !== '' && !/^\d{1,9}$/.test(text)) {
        return {
          mistake: `--${name} must be a whole number of at most nine digits, not "${text}"`,
        };
      }
    }
    return { env: { FUZZ_CASES: cases, FUZZ_SEED: seed } };
  } catch (error) {
    return { mistake: error.message };
  }
}

/** Runs what is fuzzed with so many cases; the seed of a failure repeats it. */
export async function fuzz(args) {
  const { env, mistake } = fuzzEnvironment(args);
  if (mistake !== undefined) {
    process.stderr.write(`${mistake}\n`);
    return 2;
  }
  return await runInForeground(tool('vitest'), ['run', '.fuzz.'], toolEnvironment(env));
}

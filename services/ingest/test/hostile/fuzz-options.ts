/** How much is played, and with which chance; `npm run test:fuzz` sets both. */
export type FuzzOptions = { readonly cases: number; readonly seed: number };

/** Cases of the normal test run, over all ways in. */
const CASES = 100_000;

/** Reads FUZZ_CASES and FUZZ_SEED. Without a seed each run draws its own, and says so when it fails. */
export function fuzzOptions(env: NodeJS.ProcessEnv = process.env): FuzzOptions {
  const number = (name: string, fallback: number) => {
    const text = env[name];
    if (text === undefined || text === '') return fallback;
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new RangeError(`${name} must be a whole number, not "${text}"`);
  };
  return {
    cases: Math.max(1_000, number('FUZZ_CASES', CASES)),
    seed: number('FUZZ_SEED', Math.floor(Math.random() * 1_000_000_000)),
  };
}

/** Cases that go over real sockets; they cost ten times as much. */
export function socketShare(cases: number): number {
  return Math.ceil(cases / 20);
}

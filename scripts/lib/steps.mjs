const useColour = (process.stdout.isTTY || process.env.FORCE_COLOR) && !process.env.NO_COLOR;
const paint = (code, text) => (useColour ? `\u001b[${code}m${text}\u001b[0m` : text);
export const green = (text) => paint(32, text);
export const red = (text) => paint(31, text);
export const dim = (text) => paint(2, text);

/**
 * Runs steps `{ name, run, after? }` with at most `parallel` at once, each after the step it names.
 * `run` resolves to { code, output }. A step whose predecessor failed is left out. Tells each end
 * by `onEnd` and resolves to the results in the order of the steps.
 */
export async function runSteps(steps, parallel, onEnd = () => undefined) {
  const results = new Map();
  const waiting = [...steps];
  const runOne = async (step) => {
    const startedAtMs = Date.now();
    const { code, output } = await step
      .run()
      .catch((error) => ({ code: 1, output: String(error?.stack ?? error) }));
    const result = { name: step.name, code, output, seconds: (Date.now() - startedAtMs) / 1000 };
    results.set(step.name, result);
    onEnd(result);
  };
  const running = new Set();
  for (;;) {
    for (const step of [...waiting]) {
      const before = step.after && results.get(step.after);
      if (before && before.code !== 0) {
        waiting.splice(waiting.indexOf(step), 1);
        const result = {
          name: step.name,
          code: 1,
          output: `not run: ${step.after} failed`,
          seconds: 0,
        };
        results.set(step.name, result);
        onEnd(result);
      } else if (running.size < parallel && (!step.after || before)) {
        waiting.splice(waiting.indexOf(step), 1);
        const promise = runOne(step).finally(() => running.delete(promise));
        running.add(promise);
      }
    }
    if (running.size === 0) break;
    await Promise.race(running);
  }
  return steps.map((step) => results.get(step.name));
}

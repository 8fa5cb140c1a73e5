/**
 * Asks again and again until the answer satisfies; throws with the last answer's description after
 * the time. A question may itself throw, which ends the waiting: the clients retry by themselves.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T>,
  satisfied: (answer: T) => boolean,
  options: { readonly timeoutMs: number; readonly everyMs?: number },
): Promise<T> {
  const endMs = Date.now() + options.timeoutMs;
  for (;;) {
    const answer = await ask();
    if (satisfied(answer)) return answer;
    if (Date.now() > endMs) throw new Error(`${what}: not within ${options.timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 250));
  }
}

/** Works through a list, at most `limit` items at a time; the first error ends it. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) {
      await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}

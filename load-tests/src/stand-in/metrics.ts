/** One metric of a run. Counters add, rates count non-zero samples, trends keep every sample. */
export class Metric {
  readonly #samples: number[] = [];

  constructor(readonly type: 'counter' | 'rate' | 'trend') {}

  add(value: number | boolean): void {
    this.#samples.push(Number(value));
  }

  /** The values of k6's summary for this type. */
  values(elapsedSeconds: number): Record<string, number> {
    const total = this.#samples.reduce((sum, value) => sum + value, 0);
    const count = this.#samples.length;
    switch (this.type) {
      case 'counter':
        return { count: total, rate: elapsedSeconds > 0 ? total / elapsedSeconds : 0 };
      case 'rate': {
        const passes = this.#samples.filter((value) => value !== 0).length;
        return { rate: count === 0 ? 0 : passes / count, passes, fails: count - passes };
      }
      case 'trend':
        return trendValues(this.#samples, total);
    }
  }
}

function trendValues(samples: readonly number[], total: number): Record<string, number> {
  const sorted = [...samples].sort((a, b) => a - b);
  const quantile = (share: number): number => {
    const at = share * Math.max(0, sorted.length - 1);
    const low = sorted[Math.floor(at)] ?? 0;
    const high = sorted[Math.ceil(at)] ?? 0;
    return low + (high - low) * (at - Math.floor(at));
  };
  return {
    count: sorted.length,
    avg: sorted.length === 0 ? 0 : total / sorted.length,
    min: quantile(0),
    med: quantile(0.5),
    'p(90)': quantile(0.9),
    'p(95)': quantile(0.95),
    'p(99)': quantile(0.99),
    'p(99.9)': quantile(0.999),
    max: quantile(1),
  };
}

/** True when a threshold such as `p(99)<250` holds. Throws on one that it cannot read. */
export function holds(threshold: string, values: Readonly<Record<string, number>>): boolean {
  const parts =
    /^\s*([a-z]+(?:\(\d+(?:\.\d+)?\))?)\s*(<=|>=|==|!=|<|>)\s*(-?\d+(?:\.\d+)?)\s*$/.exec(
      threshold,
    );
  const value = values[parts?.[1] ?? ''];
  if (parts === null || value === undefined)
    throw new Error(`cannot judge the threshold "${threshold}"`);
  const limit = Number(parts[3]);
  switch (parts[2]) {
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '==':
      return value === limit;
    default:
      return value !== limit;
  }
}

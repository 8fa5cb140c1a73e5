/** What does not agree, by row. */
export type Difference = {
  readonly table: string;
  /** Names the row. */
  readonly key: string;
  readonly expected: string;
  readonly found: string;
};

/** Thrown by a check at the first thing that does not agree. */
export class DifferenceError extends Error {
  override readonly name = 'DifferenceError';

  constructor(readonly difference: Difference) {
    super(describe(difference));
  }
}

/** Throws the difference unless both say the same. */
export function agree(
  row: { readonly table: string; readonly key: string },
  what: string,
  expected: unknown,
  found: unknown,
): void {
  const [wanted, told] = [textOf(expected), textOf(found)];
  if (wanted === told) return;
  differ(row, `${what} ${wanted}`, `${what} ${told}`);
}

/** Throws the difference. */
export function differ(
  row: { readonly table: string; readonly key: string },
  expected: string,
  found: string,
): never {
  throw new DifferenceError({ table: row.table, key: row.key, expected, found });
}

/** A difference in one sentence. */
export function describe({ table, key, expected, found }: Difference): string {
  return `${table} (${key}): expected ${expected}, found ${found}`;
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return String(value);
}

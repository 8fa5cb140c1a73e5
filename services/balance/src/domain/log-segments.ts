/** What the order of the log depends on, of one of its entries. */
export type OrderedEntry = {
  readonly kind: 'voucher' | 'tick' | 'finalize';
  readonly channelNo: bigint;
  readonly cumulativeUnits: bigint;
};

/**
 * A run of the voucher log that one statement can apply: the highest claim of each channel, then the
 * channels to finalize.
 */
export type LogSegment<E extends OrderedEntry> = {
  readonly claims: E[];
  readonly finalized: bigint[];
};

/**
 * Cuts entries, in log order, into segments so that no claim moves past a finalize. Within a
 * segment only the highest claim of a channel is kept: a claim says "at least".
 */
export function segmentsOf<E extends OrderedEntry>(entries: Iterable<E>): LogSegment<E>[] {
  const segments: LogSegment<E>[] = [];
  let highest = new Map<bigint, E>();
  let finalized = new Set<bigint>();
  const cut = () => {
    if (highest.size + finalized.size === 0) return;
    segments.push({ claims: [...highest.values()], finalized: [...finalized] });
    highest = new Map();
    finalized = new Set();
  };
  for (const entry of entries) {
    if (entry.kind === 'finalize') {
      finalized.add(entry.channelNo);
      continue;
    }
    if (finalized.size > 0) cut();
    const known = highest.get(entry.channelNo);
    if (known === undefined || entry.cumulativeUnits > known.cumulativeUnits) {
      highest.set(entry.channelNo, entry);
    }
  }
  cut();
  return segments;
}

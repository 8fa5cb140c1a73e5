/** What a partition holds now: offsets from `low` on, up to but without `high`. */
export type LogRange = { readonly low: bigint; readonly high: bigint };

/** By partition, the offset that application continues from. */
export type NextOffsets = ReadonlyMap<number, bigint>;

/**
 * Says what a log lacks of what the offsets to continue from take for granted, or undefined. An offset
 * above the end means that applied records are gone, and that the next ones would be taken for them; one
 * below the start means that records were deleted before they were applied. Since both move while one
 * reads, the end is compared with offsets read before the ranges, the start with those read after.
 */
export function lossOf(
  before: NextOffsets,
  ranges: ReadonlyMap<number, LogRange>,
  after: NextOffsets = before,
): string | undefined {
  const findings = [...before]
    .sort(([a], [b]) => a - b)
    .flatMap(([partition, next]) => {
      const later = after.get(partition) ?? next;
      return lossOfPartition(partition, [next, later], ranges.get(partition)) ?? [];
    });
  return findings.length === 0 ? undefined : findings.join('; ');
}

function lossOfPartition(
  partition: number,
  [before, after]: readonly [bigint, bigint],
  range: LogRange | undefined,
): string | undefined {
  if (range === undefined) return `partition ${partition} does not exist`;
  if (before > range.high) {
    return `partition ${partition} ends at ${range.high}, but everything below ${before} was applied from it`;
  }
  if (after < range.low) {
    return `partition ${partition} begins at ${range.low}, but application continues from ${after}`;
  }
  return undefined;
}

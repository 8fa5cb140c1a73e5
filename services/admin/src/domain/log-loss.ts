import type { Offset } from './snapshot.js';

/** A log that a service has found to be another one, or to lack records. */
export type LostLog = { readonly topic: string; readonly lost: string };

/**
 * What is wrong with the logs, a sentence each. Applied offsets must have been read before the ends: only then
 * an end below them means that records are gone, not that some came meanwhile.
 */
export function logFindings(
  lost: readonly LostLog[],
  applied: readonly Offset[],
  ends: readonly Offset[],
): string[] {
  const endOf = new Map(ends.map(({ partition, offset }) => [partition, offset]));
  const short = applied.flatMap(({ partition, offset }) => {
    const end = endOf.get(partition) ?? 0n;
    return end < offset ? [`partition ${partition} ends at ${end}, applied up to ${offset}`] : [];
  });
  return [
    ...lost.map(({ topic, lost: finding }) => `${topic}: ${finding}`),
    ...(short.length === 0 ? [] : [`vouchers: ${short.join('; ')}`]),
  ];
}

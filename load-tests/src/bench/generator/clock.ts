/** Milliseconds since 1970 with fractions; never goes back. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

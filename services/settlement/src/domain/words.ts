/** Postgres keeps no zero byte, and UTF-8 no half of a pair: words with either could not be kept as they were given. */
export function areStorable(...words: readonly string[]): boolean {
  return words.every((text) => text.isWellFormed() && !text.includes('\0'));
}

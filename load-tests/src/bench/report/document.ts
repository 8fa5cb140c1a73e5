import { readFileSync, writeFileSync } from 'node:fs';

/** Parts of docs/performance.md that this program writes. */
export type Section = 'bench' | 'scale';

/** The text with what stands between a section's marks replaced. Throws when the marks are not there. */
export function withSection(text: string, section: Section, content: string): string {
  const [begin, end] = [`<!-- ${section}:begin -->`, `<!-- ${section}:end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the document has no marks ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${content.trim()}\n\n${text.slice(to)}`;
}

/** Replaces a section of a file. */
export function writeSection(file: string, section: Section, content: string): void {
  writeFileSync(file, withSection(readFileSync(file, 'utf8'), section, content));
}

/** What of a Markdown text points elsewhere, and what may be pointed at. Knows what our documents use, no more. */

/** A text without its fenced blocks: what stands there is an example. Lines keep their numbers. */
function withoutFences(markdown: string): string[] {
  let fence = '';
  return markdown.split('\n').map((line) => {
    const [, mark = ''] = /^\s*(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence === '' && mark !== '') fence = mark;
    else if (fence !== '' && mark.startsWith(fence)) fence = '';
    else if (fence === '') return line;
    return '';
  });
}

const CODE_SPAN = /`([^`]+)`/g;

/** Targets of links and images, as written: `path`, `path#anchor`, `#anchor` or an address. */
export function linksOf(markdown: string): string[] {
  return withoutFences(markdown).flatMap((line) => {
    const plain = line.replace(CODE_SPAN, '');
    const inline = [...plain.matchAll(/\]\(\s*<?([^\s)>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
    const references = [...plain.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)/g)];
    const html = [...plain.matchAll(/\b(?:href|src)="([^"]+)"/g)];
    return [...inline, ...references, ...html].map(([, target = '']) => target);
  });
}

/** Anchors of the headings, by GitHub's rules; a repeated heading gets a number. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const line of withoutFences(markdown)) {
    const [, heading] = /^#{1,6}\s+(.+?)\s*#*$/.exec(line) ?? [];
    if (heading === undefined) continue;
    const shown = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1');
    const slug = shown
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let copy = 1; anchors.has(anchor); copy++) anchor = `${slug}-${copy}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Code spans that name a file below one of the given top folders, such as `libs/domain/src/money.ts`. */
export function filesNamedIn(markdown: string, topFolders: readonly string[]): string[] {
  return withoutFences(markdown)
    .flatMap((line) => [...line.matchAll(CODE_SPAN)].map(([, code = '']) => code))
    .filter((code) => /^[\w.-]+(?:\/[\w.-]+)*\/[\w-][\w.-]*\.[a-z]+$/.test(code))
    .filter((code) => topFolders.includes(code.slice(0, code.indexOf('/'))));
}

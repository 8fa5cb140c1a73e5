import { existsSync, globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../deploy/local/src/root.js';
import { anchorsOf, filesNamedIn, linksOf } from './markdown.js';

const SKIPPED = ['node_modules', 'dist', '.cache', '.data', '.git'];
const DOCUMENTS = globSync(['*.md', 'docs/*.md', '*/README.md', '*/*/README.md'], {
  cwd: repositoryRoot,
  exclude: (path) => SKIPPED.includes(path.split('/')[0] ?? ''),
}).sort();
const TOP_FOLDERS = readdirSync(repositoryRoot).filter(
  (name) => !SKIPPED.includes(name) && statSync(join(repositoryRoot, name)).isDirectory(),
);
const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');

/** Why a target in a document leads nowhere, or undefined. Addresses of other hosts are not looked at. */
function broken(document: string, target: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [path = '', anchor] = decodeURIComponent(target).split('#');
  const base = path.startsWith('/') ? repositoryRoot : resolve(repositoryRoot, dirname(document));
  const file = path === '' ? join(repositoryRoot, document) : join(base, path);
  if (relative(repositoryRoot, file).startsWith('..'))
    return `${target}: outside of the repository`;
  if (!existsSync(file)) return `${target}: no such file`;
  if (anchor === undefined) return undefined;
  return anchorsOf(readFileSync(file, 'utf8')).has(anchor)
    ? undefined
    : `${target}: no such heading`;
}

describe('the documents', () => {
  it('are found', () => {
    expect(DOCUMENTS).toEqual(
      expect.arrayContaining([
        'ARCHITECTURE.md',
        'CONTRIBUTING.md',
        'README.md',
        'docs/settlement.md',
        'k8s/README.md',
        'libs/domain/README.md',
        'services/ingest/README.md',
      ]),
    );
    expect(DOCUMENTS.some((path) => path.includes('node_modules'))).toBe(false);
  });

  it.each(DOCUMENTS)('%s links to what is there', (document) => {
    const links = linksOf(read(document));
    expect(links.map((target) => broken(document, target)).filter(Boolean)).toEqual([]);
  });

  it.each(DOCUMENTS)('%s names files that are there', (document) => {
    const named = filesNamedIn(read(document), TOP_FOLDERS);
    const places = [repositoryRoot, resolve(repositoryRoot, dirname(document))];
    const lost = named.filter((path) => !places.some((place) => existsSync(join(place, path))));
    expect(lost).toEqual([]);
  });
});

describe('the check itself', () => {
  const text = [
    '# One thing: `a.b` & more',
    '## Same',
    '## Same ##',
    '### [Linked](x.md) ✓ e-mail_2',
    'See [a](one.md), ![b](<two.png> "title") and [c](#same-1), not `[d](three.md)`.',
    '[ref]: four.md',
    '<img src="five.svg">',
    '```',
    '# not a heading',
    '[e](six.md)',
    '```',
    'Names `libs/a/b.ts`, `libs/*.ts`, `other/a.ts` and `libs/a`.',
  ].join('\n');

  it('reads links, anchors and names of files, and nothing from code', () => {
    expect(linksOf(text)).toEqual(['x.md', 'one.md', 'two.png', '#same-1', 'four.md', 'five.svg']);
    expect([...anchorsOf(text)]).toEqual([
      'one-thing-ab--more',
      'same',
      'same-1',
      'linked--e-mail_2',
    ]);
    expect(filesNamedIn(text, ['libs'])).toEqual(['libs/a/b.ts']);
  });

  it.each([
    ['docs/nowhere.md', /no such file/],
    ['docs/settlement.md#nowhere', /no such heading/],
    ['#nowhere', /no such heading/],
    ['../elsewhere/README.md', /outside/],
  ])('finds that %s leads nowhere', (target, reason) => {
    expect(broken('README.md', target)).toMatch(reason);
  });

  it.each([
    'https://example.org/x#y',
    'mailto:a@example.org',
    'docs/settlement.md#what-it-costs',
    'k8s/',
  ])('lets %s pass', (target) => {
    expect(broken('README.md', target)).toBeUndefined();
  });
});

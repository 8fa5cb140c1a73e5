import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';

/** A file of the page, ready to be sent. */
export type Asset = { readonly content: Buffer; readonly type: string; readonly etag: string };

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Folder of the page's files, also from the compiled tree: they are not compiled and stay in place. */
function publicFolder(): string {
  const here = import.meta.dirname;
  const compiled = /[\\/]dist[\\/]services[\\/]admin[\\/]src[\\/]http$/.test(here);
  return compiled ? join(here, '../../../../../services/admin/public') : join(here, '../../public');
}

/**
 * Reads the page's files once, by path below the folder. Only what was read here can be asked for, so
 * no request ever reaches the file system. Throws when the folder is missing: no page, no start.
 */
export function loadAssets(folder: string = publicFolder()): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const content = readFileSync(path);
    const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
    assets.set(relative(folder, path).replaceAll('\\', '/'), { content, type, etag });
  }
  return assets;
}

import { createHash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** File name → SHA-256 in hex, from lines as `sha256sum` writes them. Throws on any other line. */
export function parseChecksums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const match = /^([0-9a-f]{64}) [ *](\S+)$/.exec(line);
    if (!match?.[1] || !match[2]) throw new Error(`not a checksum line: ${line}`);
    sums.set(match[2], match[1]);
  }
  return sums;
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** What is wrong with a folder against its list: a changed, missing or extra file each gets a sentence. */
export async function checksumFaults(
  folder: string,
  expected: ReadonlyMap<string, string>,
): Promise<string[]> {
  const present = new Set(readdirSync(folder).filter((name) => name.endsWith('.jar')));
  const faults: string[] = [];
  for (const [name, sum] of expected) {
    if (!present.has(name)) faults.push(`${name} is missing`);
    else if ((await sha256OfFile(join(folder, name))) !== sum) faults.push(`${name} has changed`);
  }
  for (const name of present) if (!expected.has(name)) faults.push(`${name} is not on the list`);
  return faults;
}

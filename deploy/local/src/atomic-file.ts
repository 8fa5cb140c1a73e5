import { readFileSync, renameSync, writeFileSync } from 'node:fs';

let written = 0;

/** Writes by rename, so that a reader or a crash never sees half a file. */
export function writeFileAtomically(path: string, text: string, mode = 0o600): void {
  const temporary = `${path}.${process.pid}.${written++}.new`;
  writeFileSync(temporary, text, { mode });
  renameSync(temporary, path);
}

/** The parsed file, or undefined when it is missing or not JSON (a crash of the disk, an edit by hand). */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

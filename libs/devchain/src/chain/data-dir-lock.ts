import fs from 'node:fs';

/** Another process writes to the folder. */
export class DataDirInUse extends Error {}

/** Tells a process from a later one with the same number; empty where the system does not say. */
function startOf(pid: number): string {
  try {
    // The 22nd field of /proc/<pid>/stat; the second may hold spaces but ends with a parenthesis.
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Writes this process into the lock file. A lock left behind by a killed process is taken over.
 * @throws DataDirInUse while the process that holds it lives
 */
export function takeLock(lockPath: string): void {
  const text = fs.existsSync(lockPath) ? fs.readFileSync(lockPath, 'utf8') : '';
  const [pid = '', start = ''] = text.split(' ');
  const holder = Number(pid);
  const held = holder > 0 && holder !== process.pid && isAlive(holder) && startOf(holder) === start;
  if (held) throw new DataDirInUse(`DATA_DIR is in use by process ${holder}`);
  fs.writeFileSync(lockPath, `${process.pid} ${startOf(process.pid)}`);
}

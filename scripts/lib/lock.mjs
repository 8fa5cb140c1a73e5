import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Start stamp of a process on Linux, so that a reused pid is not taken for the holder; else a constant. */
function startTimeOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '';
  }
}

function isHeld(text) {
  const [pid, startTime] = text.split(' ');
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
  return startTimeOf(Number(pid)) === (startTime ?? '');
}

function tryTake(path) {
  try {
    writeFileSync(path, `${process.pid} ${startTimeOf(process.pid)}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

/** Does the work while holding the lock file; waits while a living process holds it. */
export async function withLock(path, work, onWait = () => undefined) {
  mkdirSync(dirname(path), { recursive: true });
  for (let waits = 0; !tryTake(path); waits++) {
    let holder = '';
    try {
      holder = readFileSync(path, 'utf8');
    } catch {
      continue;
    }
    // An empty file is one being written just now, unless it stays so.
    const fresh = holder === '' && waits < 10;
    if (!fresh && !isHeld(holder)) {
      rmSync(path, { force: true });
      continue;
    }
    if (waits === 3) onWait(holder.split(' ')[0]);
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

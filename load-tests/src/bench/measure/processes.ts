import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of /proc's CPU times in a second; Linux has given this value to programs for decades. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;

/** CPU and memory of a process with all its children. */
export type Usage = { readonly cpuSeconds: number; readonly memoryBytes: number };

type Row = {
  readonly pid: number;
  readonly parent: number;
  readonly own: number;
  readonly waited: number;
  readonly rssPages: number;
};

/**
 * Usage of named process trees now; empty where there is no /proc. Time of children that ended counts
 * once their parent has taken their exit status, so a difference of two readings misses none of it.
 */
export function usageOf(roots: Readonly<Record<string, number>>): Record<string, Usage> {
  const rows = processTable();
  const children = new Map<number, Row[]>();
  for (const row of rows.values()) {
    children.set(row.parent, [...(children.get(row.parent) ?? []), row]);
  }
  return Object.fromEntries(
    Object.entries(roots).flatMap(([name, pid]) => {
      const root = rows.get(pid);
      if (root === undefined) return [];
      const tree: Row[] = [];
      const walk = (row: Row) => {
        tree.push(row);
        for (const child of children.get(row.pid) ?? []) walk(child);
      };
      walk(root);
      const ticks = tree.reduce((sum, row) => sum + row.own, root.waited);
      const memoryBytes = tree.reduce((sum, row) => sum + memoryOf(row), 0);
      return [[name, { cpuSeconds: ticks / TICKS_PER_SECOND, memoryBytes }]];
    }),
  );
}

function processTable(): Map<number, Row> {
  const rows = new Map<number, Row>();
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return rows;
  }
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const row = parseStat(readFileSync(`/proc/${entry}/stat`, 'utf8'));
      rows.set(row.pid, row);
    } catch {
      // It ended while we were looking.
    }
  }
  return rows;
}

/** The fields of `/proc/<pid>/stat` that are used here. */
export function parseStat(text: string): Row {
  // The command's name may hold spaces and brackets, so fields are counted after the last bracket.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const field = (number: number) => fields[number - 3] ?? 0;
  return {
    pid: Number.parseInt(text, 10),
    parent: field(4),
    own: field(14) + field(15),
    waited: field(16) + field(17),
    rssPages: field(24),
  };
}

// The proportional share, where the system tells: Postgres' processes share most of their memory.
function memoryOf(row: Row): number {
  try {
    const text = readFileSync(`/proc/${row.pid}/smaps_rollup`, 'utf8');
    const kib = /^Pss:\s+(\d+) kB/m.exec(text)?.[1];
    if (kib !== undefined) return Number(kib) * 1_024;
  } catch {
    // Not permitted, or it ended.
  }
  return row.rssPages * PAGE_BYTES;
}

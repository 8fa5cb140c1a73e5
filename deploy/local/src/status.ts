import { lockHolder } from './lock.js';
import { isAlive } from './process-identity.js';
import type { ProcessState, StackState } from './state-file.js';

export interface StatusRow {
  readonly name: string;
  readonly pid: number | null;
  readonly state: string;
  readonly port: number | null;
  readonly url: string;
  readonly uptimeSeconds: number;
  readonly restarts: number;
}

/** What the file says, corrected by what the system says now: a process may have died since. */
export function statusRow(
  process: ProcessState,
  nowMs: number,
  alive: (process: ProcessState) => boolean,
): StatusRow {
  const isOurs = process.source === 'local';
  const lives = !isOurs || alive(process);
  const listed = process.phase === 'running' && !isOurs ? process.source : process.phase;
  return {
    name: process.name,
    pid: process.identity?.pid ?? null,
    state: lives ? listed : process.phase === 'failed' ? 'failed' : 'dead',
    port: process.port ?? null,
    url: process.url ?? '',
    uptimeSeconds: lives ? Math.floor((nowMs - process.startedAtMs) / 1000) : 0,
    restarts: process.restarts,
  };
}

export function formatUptime(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** A table with columns as wide as their longest cell. */
export function formatTable(rows: readonly StatusRow[]): string {
  const cells = [
    ['NAME', 'PID', 'STATE', 'PORT', 'RESTARTS', 'UPTIME', 'URL'],
    ...rows.map((row) => [
      row.name,
      String(row.pid ?? '-'),
      row.state,
      String(row.port ?? '-'),
      String(row.restarts),
      formatUptime(row.uptimeSeconds),
      row.url,
    ]),
  ];
  const widths = cells.reduce<number[]>(
    (widest, line) => line.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  );
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export interface StackStatus {
  /** The launcher lives. */
  readonly supervised: boolean;
  readonly phase: string;
  readonly processes: readonly StatusRow[];
}

export function stackStatus(state: StackState | undefined, lockPath: string): StackStatus {
  const holder = lockHolder(lockPath);
  if (!state) return { supervised: holder !== undefined, phase: 'none', processes: [] };
  const alive = (each: ProcessState) => each.identity !== undefined && isAlive(each.identity);
  const rows = state.processes.map((each) => statusRow(each, Date.now(), alive));
  const anyAlive = state.processes.some(alive);
  const phase = holder ? state.phase : anyAlive ? 'unsupervised' : 'stopped';
  return { supervised: holder !== undefined, phase, processes: rows };
}

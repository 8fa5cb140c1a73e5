import { describe, expect, test } from 'vitest';
import type { ProcessState } from './state-file.js';
import { formatTable, formatUptime, statusRow } from './status.js';

const process: ProcessState = {
  name: 'ingest',
  identity: { pid: 42, startTime: '1' },
  phase: 'running',
  stopSignal: 'SIGTERM',
  port: 20_001,
  url: 'http://127.0.0.1:20001',
  startedAtMs: 1_000,
  restarts: 2,
  source: 'local',
};

describe('the status table', () => {
  test('tells a living process from one that died unseen', () => {
    expect(statusRow(process, 66_000, () => true)).toMatchObject({
      state: 'running',
      uptimeSeconds: 65,
    });
    expect(statusRow(process, 66_000, () => false)).toMatchObject({
      state: 'dead',
      uptimeSeconds: 0,
    });
    const failed: ProcessState = { ...process, phase: 'failed' };
    expect(statusRow(failed, 66_000, () => false).state).toBe('failed');
  });

  test('says where a server comes from that is no process of ours', () => {
    const { identity: _, ...rest } = process;
    const server: ProcessState = { ...rest, name: 'kafka', source: 'compose' };
    expect(statusRow(server, 66_000, () => false)).toMatchObject({ state: 'compose', pid: null });
  });

  test('is aligned', () => {
    const [head, line] = formatTable([statusRow(process, 66_000, () => true)]).split('\n');
    expect(head?.indexOf('STATE')).toBe(line?.indexOf('running'));
    expect(head?.indexOf('URL')).toBe(line?.indexOf('http'));
  });

  test.each([
    [5, '5 s'],
    [65, '1 min 5 s'],
    [3_725, '1 h 2 min'],
  ])('writes %i s as %s', (seconds, text) => {
    expect(formatUptime(seconds)).toBe(text);
  });
});

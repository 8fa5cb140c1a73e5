import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AckTimes, readAckTimes } from '../../../load-tests/src/bench/generator/ack-log.js';
import { voucherLogBytes } from '../../../load-tests/src/bench/measure/kafka-log.js';
import { parseStat, usageOf } from '../../../load-tests/src/bench/measure/processes.js';
import { measureRawLimits } from '../../../load-tests/src/bench/measure/raw-limits.js';
import { Timeline, visibility } from '../../../load-tests/src/bench/measure/timeline.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-measure-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('visibility', () => {
  const timeline = new Timeline();
  for (const [atMs, next] of [
    [100, [0, 0]],
    [200, [5, 0]],
    [300, [5, 9]],
    [400, [8, 9]],
  ] as const) {
    timeline.add(atMs, next);
  }

  it('is the first look that saw a record applied', () => {
    expect(timeline.appliedMs(0, 4)).toBe(200);
    expect(timeline.appliedMs(0, 5)).toBe(400);
    expect(timeline.appliedMs(1, 0)).toBe(300);
    expect(timeline.appliedMs(1, 9)).toBeUndefined();
  });

  it('waits for all records of an acknowledgement, and counts what never came', () => {
    const times = new AckTimes();
    times.add(150, 10, [{ partition: 0, offset: 4n }]);
    times.add(150, 1, [
      { partition: 0, offset: 4n },
      { partition: 1, offset: 3n },
    ]);
    times.add(160, 7, [{ partition: 1, offset: 30n }]);
    times.add(170, 3, []);
    const file = join(folder, 'times');
    times.save(file);
    const { histogram, missing } = visibility(readAckTimes(file), timeline);
    expect(histogram.count).toBe(11);
    expect(histogram.at(0.9)).toBeCloseTo(50, 0);
    expect(histogram.at(1)).toBeCloseTo(150, -1);
    expect(missing).toBe(7);
  });
});

describe('processes', () => {
  it('are read whatever their name', () => {
    const stat = `42 (a) b) S 7 ${'0 '.repeat(9)}11 12 13 14 ${'0 '.repeat(6)}99 0`;
    expect(parseStat(stat)).toEqual({ pid: 42, parent: 7, own: 23, waited: 27, rssPages: 99 });
  });

  it('count CPU time and memory of a tree', () => {
    const before = usageOf({ me: process.pid, nobody: 2 ** 30 });
    const spent = process.cpuUsage();
    while (process.cpuUsage(spent).user < 120_000);
    const after = usageOf({ me: process.pid });
    expect(Object.keys(before)).toEqual(['me']);
    expect((after.me?.cpuSeconds ?? 0) - (before.me?.cpuSeconds ?? 0)).toBeGreaterThan(0.05);
    expect(after.me?.memoryBytes).toBeGreaterThan(10 * 2 ** 20);
  });
});

describe('the voucher log', () => {
  it('is measured over its partitions alone', () => {
    expect(voucherLogBytes(join(folder, 'none'))).toBeUndefined();
    expect(voucherLogBytes(folder)).toBeUndefined();
    for (const name of ['vouchers-0', 'vouchers-7', 'channels-0']) {
      mkdirSync(join(folder, 'data', name), { recursive: true });
      writeFileSync(join(folder, 'data', name, '000.log'), Buffer.alloc(100));
      writeFileSync(join(folder, 'data', name, '000.index'), Buffer.alloc(7));
    }
    expect(voucherLogBytes(folder)).toBe(200);
  });
});

describe('raw limits', () => {
  it('are rates', () => {
    const { verifyPerSecond, sha256PerSecond } = measureRawLimits(0.1);
    expect(verifyPerSecond).toBeGreaterThan(500);
    expect(sha256PerSecond).toBeGreaterThan(10 * verifyPerSecond);
  });
});

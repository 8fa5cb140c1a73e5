import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AckLog, AckLogReader, AckLogWriter } from './src/load/ack-log.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ack-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the log of acknowledgements', () => {
  it('is read as it was written, while it grows', () => {
    const path = join(folder, 'acks.log');
    const writer = new AckLogWriter(path);
    const reader = new AckLogReader(path);
    writer.sent(0, 5n);
    writer.sent(0, 9_007_199_254_740_993n);
    writer.acked(1_000, 0, 5n, 'packed');
    expect(reader.read().sends).toBe(0);
    writer.flush();
    expect(reader.read()).toMatchObject({
      sends: 2,
      acks: { packed: 1, typed: 0, single: 0 },
      lastAckAtMs: 1_000,
      sentUnits: [9_007_199_254_740_993n],
      ackedUnits: [5n],
    });
    writer.acked(900, 2, 7n, 'single');
    writer.refused(2, 'BAD_SIGNATURE of channel 2');
    writer.unanswered(1, 'LedgerUnavailable: no answer');
    writer.flush();
    expect(reader.read()).toMatchObject({
      acks: { packed: 1, typed: 0, single: 1 },
      lastAckAtMs: 1_000,
      refusals: ['channel 2 BAD_SIGNATURE of channel 2'],
      unanswered: 1,
    });
    expect(reader.log.ackedUnits[2]).toBe(7n);
    reader.close();
  });

  it('keeps the highest amount of a channel, and half a line until the rest is there', () => {
    const log = new AckLog();
    log.add('A 1 0 50 typed\nA 2 0 40 typed\nA 3 0 1');
    expect(log.ackedUnits).toEqual([50n]);
    log.add('23 typed\n');
    expect(log.ackedUnits).toEqual([123n]);
  });

  it('does not guess what a strange line means', () => {
    const path = join(folder, 'acks.log');
    appendFileSync(path, 'A 1 0 5 typed\nX 1\n');
    expect(() => new AckLogReader(path).read()).toThrow(/strange line: X 1/);
  });
});

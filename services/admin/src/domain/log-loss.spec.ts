import { expect, test } from 'vitest';
import { logFindings } from './log-loss.js';

const offsets = (...values: bigint[]) => values.map((offset, partition) => ({ partition, offset }));

test.each([
  ['a log that goes on', offsets(5n, 0n), offsets(9n, 0n), []],
  ['a log that is applied', offsets(5n), offsets(5n), []],
  [
    'a log that began anew',
    offsets(5n, 0n, 7n),
    offsets(0n, 3n, 6n),
    ['vouchers: partition 0 ends at 0, applied up to 5; partition 2 ends at 6, applied up to 7'],
  ],
  ['a missing partition', offsets(1n), [], ['vouchers: partition 0 ends at 0, applied up to 1']],
])('of %s the findings are named', (_case, applied, ends, findings) => {
  expect(logFindings([], applied, ends)).toEqual(findings);
});

test('what a service has found stays, also when the log looks whole again', () => {
  const lost = [{ topic: 'market-orders', lost: 'partition 1 ends at 2' }];
  expect(logFindings(lost, offsets(1n), offsets(9n))).toEqual([
    'market-orders: partition 1 ends at 2',
  ]);
});

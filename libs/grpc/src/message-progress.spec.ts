import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MessageProgress } from './message-progress.js';

function framed(body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

it('knows at every byte what has begun and not ended, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (bodies, sizes) => {
        const messages = bodies.map(framed);
        const ends = messages.map((_, at) => Buffer.concat(messages.slice(0, at + 1)).length);
        const bytes = Buffer.concat(messages);
        const progress = new MessageProgress();
        for (let from = 0, turn = 0; from < bytes.length; turn += 1) {
          const to = Math.min(from + (sizes[turn % sizes.length] ?? 1), bytes.length);
          const ended = progress.take(bytes.subarray(from, to));
          const lastEnd = Math.max(0, ...ends.filter((end) => end <= to));
          expect(ended).toEqual(
            messages
              .filter((_, at) => (ends[at] ?? 0) > from && (ends[at] ?? 0) <= to)
              .map((message) => message.length),
          );
          expect(progress.unfinishedBytes).toBe(to - lastEnd);
          from = to;
        }
      },
    ),
  );
});

it('takes the greatest length that a prefix can tell', () => {
  const progress = new MessageProgress();
  expect(progress.take(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]))).toEqual([]);
  expect(progress.unfinishedBytes).toBe(6);
});

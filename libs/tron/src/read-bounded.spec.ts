import { describe, expect, it } from 'vitest';
import { readBounded } from './read-bounded.js';

describe('an answer that is read with a bound', () => {
  it('is the text, also where a letter is split', async () => {
    const bytes = Buffer.from('{"name":"ü"}');
    const halves = [bytes.subarray(0, 10), bytes.subarray(10)];
    const body = ReadableStream.from(halves);
    expect(await readBounded(new Response(body), bytes.length, 'x')).toBe('{"name":"ü"}');
    expect(await readBounded(new Response(null), 0, 'x')).toBe('');
  });

  it('is given up as soon as it is too long, and the rest is not asked for', async () => {
    let sent = 0;
    const body = ReadableStream.from(
      (async function* endless() {
        for (; ; sent++) yield new Uint8Array(10);
      })(),
    );
    const reading = readBounded(new Response(body), 95, 'wallet/getblock');
    await expect(reading).rejects.toMatchObject({
      failure: 'malformed',
      message: 'wallet/getblock: the answer is too large',
    });
    expect(sent).toBeLessThan(20);
  });
});

import { describe, expect, it } from 'vitest';
import { encodeCursor, parsePage } from './cursor.js';

describe('parsePage', () => {
  it('has the newest hundred as default', () => {
    expect(parsePage(undefined)).toEqual({ ok: true, value: { below: undefined, limit: 100 } });
    expect(parsePage({ cursor: '', limit: 0 })).toMatchObject({ value: { limit: 100 } });
  });

  it('goes on where a cursor stands', () => {
    expect(parsePage({ cursor: encodeCursor(42n), limit: 7 })).toEqual({
      ok: true,
      value: { below: 42n, limit: 7 },
    });
  });

  it.each([
    ['LIMIT_EXCEEDED', { cursor: '', limit: 501 }],
    ['LIMIT_EXCEEDED', { cursor: '', limit: -1 }],
    ['BAD_CURSOR', { cursor: 'nonsense', limit: 1 }],
    ['BAD_CURSOR', { cursor: Buffer.from('v1:-4').toString('base64url'), limit: 1 }],
    ['BAD_CURSOR', { cursor: Buffer.from(`v1:${'9'.repeat(30)}`).toString('base64url'), limit: 1 }],
  ])('refuses with %s: %o', (reason, page) => {
    expect(parsePage(page)).toMatchObject({ ok: false, reason });
  });
});

import { describe, expect, it } from 'vitest';
import type { Message } from '../codec/protobuf.js';
import {
  checkSigners,
  defaultPermissions,
  type Permissions,
  readPermissions,
} from './permissions.js';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];
const TRANSFER = 1;
const CALL = 31;
const shared: Permissions = {
  owner: {
    id: 0,
    name: 'owner',
    threshold: 2n,
    keys: [
      { key: A, weight: 1n },
      { key: B, weight: 1n },
    ],
  },
  actives: [
    {
      id: 2,
      name: 'pay',
      threshold: 1n,
      operations: '02'.padEnd(64, '0'),
      keys: [{ key: C, weight: 1n }],
    },
  ],
};

describe('signers', () => {
  it.each([
    ['own key', defaultPermissions(A), 0, TRANSFER, [A], true],
    ['own key by the active permission', defaultPermissions(A), 2, CALL, [A], true],
    ['foreign key', defaultPermissions(A), 0, TRANSFER, [B], 'is not contained of permission'],
    ['no signature', defaultPermissions(A), 0, TRANSFER, [], 'miss sig'],
    ['unrecoverable', defaultPermissions(A), 0, TRANSFER, [undefined], 'can not be recovered'],
    ['too many', defaultPermissions(A), 0, TRANSFER, [A, B], 'more than key counts'],
    ['both of two', shared, 0, CALL, [B, A], true],
    ['one of two', shared, 0, CALL, [A], 'sig error'],
    ['one twice', shared, 0, CALL, [A, A], 'has signed twice'],
    ['allowed operation', shared, 2, TRANSFER, [C], true],
    ['forbidden operation', shared, 2, CALL, [C], 'Permission denied'],
    ['unknown permission', shared, 3, TRANSFER, [C], "permission isn't exit"],
  ] as const)('%s', (_name, permissions, id, type, signers, expected) => {
    const check = checkSigners(permissions, id, type, signers);
    if (expected === true) expect(check).toEqual({ ok: true });
    else expect(check).toMatchObject({ ok: false, message: expect.stringContaining(expected) });
  });
});

describe('an update', () => {
  const key = (text: string, weight = 1n): Message => ({
    address: Buffer.from(`41${text}`, 'hex'),
    weight,
  });
  const owner = (change: Message = {}): Message => ({
    permission_name: 'owner',
    threshold: 1n,
    keys: [key(A)],
    ...change,
  });
  const active = (change: Message = {}): Message => ({
    ...owner(),
    operations: Buffer.alloc(32, 1),
    ...change,
  });

  it('is read with ids counted from 2', () => {
    const read = readPermissions({ owner: owner(), actives: [active(), active()] });
    expect(read).toMatchObject({ owner: { id: 0 }, actives: [{ id: 2 }, { id: 3 }] });
  });

  it.each([
    [{}, 'owner permission is missed'],
    [{ owner: owner() }, 'active permission is missed'],
    [{ owner: owner(), actives: Array.from({ length: 9 }, () => active()) }, 'too many'],
    [{ owner: owner({ keys: [] }), actives: [active()] }, 'greater than 0'],
    [{ owner: owner({ threshold: 0n }), actives: [active()] }, 'threshold should be'],
    [{ owner: owner({ threshold: 2n }), actives: [active()] }, 'should not be less than threshold'],
    [{ owner: owner({ keys: [key(A), key(A)] }), actives: [active()] }, 'distinct'],
    [{ owner: owner({ keys: [key(A, 0n), key(B)] }), actives: [active()] }, 'weight'],
    [
      {
        owner: owner({ keys: 'abcdef'.split('').map((d) => key(d.repeat(40))) }),
        actives: [active()],
      },
      'not be greater than 5',
    ],
    [{ owner: owner({ operations: Buffer.alloc(32) }), actives: [active()] }, "needn't operations"],
    [{ owner: owner(), actives: [active({ operations: Buffer.alloc(31) })] }, 'operations size'],
    [{ owner: owner({ permission_name: 'x'.repeat(33) }), actives: [active()] }, 'too long'],
    [{ owner: owner(), witness: owner(), actives: [active()] }, 'witness'],
  ] as [Message, string][])('is refused (%#)', (update, problem) => {
    expect(readPermissions(update)).toContain(problem);
  });
});

import { describe, expect, test } from 'vitest';
import { candidateRunners, findAccount } from './unprivileged.js';

const PASSWD = `root:x:0:0:root:/root:/bin/bash
postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash
toor:x:0:0::/root:/bin/sh
`;

describe('not being root', () => {
  test('takes the ids of a user that exists and is not root itself', () => {
    expect(findAccount(PASSWD, 'postgres')).toEqual({ uid: 101, gid: 104 });
    expect(findAccount(PASSWD, 'toor')).toBeUndefined();
    expect(findAccount(PASSWD, 'nobody')).toBeUndefined();
  });

  test('is tried as a plain user before anything that keeps a capability', () => {
    const [user, capability, namespace] = candidateRunners({ uid: 101, gid: 104 });
    expect(user).toMatchObject({ kind: 'user', prefix: [], uid: 101, gid: 104 });
    expect(capability?.prefix).toContain('--ambient-caps=+dac_override');
    expect(capability?.prefix).toContain('--reuid=101');
    expect(namespace?.owner).toEqual({ uid: 0, gid: 0 });
  });
});

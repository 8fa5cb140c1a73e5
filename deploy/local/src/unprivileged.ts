import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** How to run a program that refuses to be root. `prefix` is put before the command. */
export interface Runner {
  readonly kind: 'self' | 'user' | 'capability' | 'namespace';
  readonly prefix: readonly string[];
  /** Identity given to the spawned process by the system call. */
  readonly uid?: number;
  readonly gid?: number;
  /** Owner that the program's data folder must have; undefined leaves it as it is. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

const NOBODY: Account = { uid: 65_534, gid: 65_534 };

/** The ids of a user in the text of /etc/passwd. */
export function findAccount(passwd: string, name: string): Account | undefined {
  for (const line of passwd.split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name && Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

function unprivilegedAccount(): Account {
  try {
    const passwd = readFileSync('/etc/passwd', 'utf8');
    return findAccount(passwd, 'postgres') ?? findAccount(passwd, 'nobody') ?? NOBODY;
  } catch {
    return NOBODY;
  }
}

/** The ways to stop being root, most modest first. */
export function candidateRunners({ uid, gid }: Account): Runner[] {
  return [
    { kind: 'user', prefix: [], uid, gid, owner: { uid, gid } },
    {
      // Folders above may be closed to the user (mode 700): it keeps the one capability that passes
      // them. The secure bit makes access(2), which initdb asks, see that capability too.
      kind: 'capability',
      prefix: [
        'setpriv',
        `--reuid=${uid}`,
        `--regid=${gid}`,
        '--clear-groups',
        '--securebits=+no_setuid_fixup',
        '--inh-caps=+dac_override',
        '--ambient-caps=+dac_override',
      ],
      owner: { uid, gid },
    },
    {
      // Root outside, an ordinary user to itself inside.
      kind: 'namespace',
      prefix: ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`],
      owner: { uid: 0, gid: 0 },
    },
  ];
}

/** Runs a command to its end as the runner would. */
export function runAs(runner: Runner, command: string, args: readonly string[]) {
  const [program = command, ...rest] = [...runner.prefix, command, ...args];
  return spawnSync(program, rest, {
    encoding: 'utf8',
    ...(runner.uid === undefined ? {} : { uid: runner.uid }),
    ...(runner.gid === undefined ? {} : { gid: runner.gid }),
  });
}

/**
 * Chooses how to run Postgres, which refuses root. `works` tries a candidate on the real files.
 * Throws when root has no way to become somebody else who reaches them.
 */
export function chooseRunner(works: (runner: Runner) => boolean): Runner {
  if (process.platform === 'win32' || process.getuid?.() !== 0) return { kind: 'self', prefix: [] };
  const found = candidateRunners(unprivilegedAccount()).find(works);
  if (found) return found;
  throw new Error(
    'Postgres refuses to run as root and no other user reaches the data folder: run as an ordinary user, or set DATABASE_URL',
  );
}

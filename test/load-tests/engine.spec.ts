import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandOf } from '../../load-tests/src/engine.js';
import {
  findEngine,
  installWithGo,
  K6_VERSION,
  NoEngineError,
  type Surroundings,
} from '../../load-tests/src/k6.js';

const K6_PATH = '/tools/bin/k6';
const VERSION = `k6 ${K6_VERSION} (go1.24.4, linux/amd64)`;

/** A machine with these programs, whose build ends with `failure`, and that keeps what it is told. */
function machine(
  programs: Readonly<Record<string, string>>,
  { image = false, failure }: { image?: boolean; failure?: string } = {},
) {
  const around = {
    k6Path: K6_PATH,
    builds: 0,
    said: [] as string[],
    versionOf: (command: string) => programs[command],
    install: () => {
      around.builds++;
      return Promise.resolve(failure);
    },
    hasImage: () => Promise.resolve(image),
    say: (text: string) => void around.said.push(text),
  };
  return around satisfies Surroundings;
}
const NO_GO = { failure: 'there is no Go on the PATH' };

describe('findEngine', () => {
  it('takes k6 from the PATH, whatever its release, then the one that was built, and builds nothing', async () => {
    const all = machine({ k6: 'k6 v1.0.0 (go1.24)', [K6_PATH]: VERSION }, { image: true });
    expect(await findEngine('auto', true, all)).toEqual({ kind: 'k6', path: 'k6' });
    const built = machine({ [K6_PATH]: VERSION }, { image: true });
    expect(await findEngine('auto', true, built)).toEqual({ kind: 'k6', path: K6_PATH });
    expect([all.builds, built.builds, all.said, built.said]).toEqual([0, 0, [], []]);
    expect(await findEngine('docker', true, all)).toMatchObject({ kind: 'docker' });
  });

  it.each([
    ['there is none', {}],
    ['the one that was built is of another release', { [K6_PATH]: 'k6 v0.9.0 (go1.24)' }],
  ])('builds k6 when %s, and says in one line how long that takes', async (_case, programs) => {
    const bare = machine(programs, { image: true });
    expect(await findEngine('auto', true, bare)).toEqual({ kind: 'k6', path: K6_PATH });
    expect(bare.builds).toBe(1);
    expect(bare.said).toEqual([
      expect.stringMatching(/^building k6 v1\.3\.0 .*a few minutes, once$/),
    ]);
  });

  it('falls back to the image, then to the stand-in, and says why', async () => {
    const docker = machine({}, { image: true, ...NO_GO });
    expect(await findEngine('auto', true, docker)).toMatchObject({ kind: 'docker' });
    const bare = machine({}, NO_GO);
    expect(await findEngine('auto', true, bare)).toEqual({ kind: 'node' });
    expect(bare.said.at(-1)).toMatch(
      /could not be built: there is no Go on the PATH: the Node stand-in/,
    );
  });

  it('builds nothing when that is forbidden', async () => {
    const bare = machine({});
    expect(await findEngine('auto', false, bare)).toEqual({ kind: 'node' });
    expect(bare.builds).toBe(0);
    expect(bare.said).toEqual([expect.stringMatching(/^k6 is neither .*: the Node stand-in/)]);
  });

  it('never replaces an engine that was named', async () => {
    await expect(findEngine('k6', true, machine({}, { image: true, ...NO_GO }))).rejects.toThrow(
      /could not be built: there is no Go on the PATH; --engine node/,
    );
    await expect(findEngine('docker', true, machine({ k6: VERSION }))).rejects.toThrow(
      NoEngineError,
    );
    const full = machine({ k6: VERSION });
    expect(await findEngine('node', true, full)).toEqual({ kind: 'node' });
  });
});

describe('installWithGo', () => {
  let folder: string;
  let k6Path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'swarmledger-go-'));
    k6Path = join(folder, 'tools', 'bin', 'k6');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs it with a `go` that does this. */
  const withGo = (script: string) => {
    writeFileSync(join(folder, 'go'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'go'), 0o755);
    return installWithGo(k6Path, { PATH: `${folder}:/usr/bin:/bin` });
  };
  const left = () => readdirSync(join(folder, 'tools', 'bin'));

  it('puts the pinned release in its place and leaves nothing else', async () => {
    expect(await withGo('echo "$@" > "$GOBIN/k6"')).toBeUndefined();
    expect(left()).toEqual(['k6']);
  });

  it.each([
    [
      'the build fails',
      'echo "first line" >&2; echo "no route to the proxy" >&2; exit 1',
      'no route to the proxy',
    ],
    ['nothing comes out', 'exit 0', 'Go built no program called k6'],
  ])('says why when %s', async (_case, script, reason) => {
    expect(await withGo(script)).toBe(reason);
    expect(left()).toEqual([]);
  });

  it('says that there is no Go', async () => {
    expect(await installWithGo(k6Path, { PATH: join(folder, 'empty') })).toBe(
      'there is no Go on the PATH',
    );
    expect(existsSync(k6Path)).toBe(false);
  });
});

describe('commandOf', () => {
  const files = {
    root: '/repo',
    folder: '/run',
    planFile: '/run/plan.json',
    summaryFile: '/run/s.json',
  };

  it('gives k6 the script, the plan and a file for the acknowledgements', () => {
    const { command, args } = commandOf({ kind: 'k6', path: '/k6' }, files, '/run/ack.log');
    expect(command).toBe('/k6');
    expect(args).toEqual(
      expect.arrayContaining([
        'run',
        '--log-format=raw',
        '--console-output=/run/ack.log',
        'PLAN_FILE=/run/plan.json',
      ]),
    );
    expect(args.at(-1)).toBe('/repo/load-tests/k6/vouchers.js');
  });

  it('mounts the repository read-only and shares only the folder of the run', () => {
    const { command, args } = commandOf({ kind: 'docker', image: 'i' }, files, '/run/ack.log');
    expect(command).toBe('docker');
    expect(args).toEqual(expect.arrayContaining(['/repo:/repo:ro', '/run:/run', '--network=host']));
  });
});

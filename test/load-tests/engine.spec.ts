import { describe, expect, it } from 'vitest';
import { commandOf } from '../../load-tests/src/engine.js';
import {
  findEngine,
  K6_VERSION,
  NoEngineError,
  type Surroundings,
} from '../../load-tests/src/k6.js';

/** A machine on which these commands work. */
function machine(...commands: string[]): Surroundings & { installed: number } {
  const around = {
    toolsFolder: '/tools',
    installed: 0,
    works: (command: string) => commands.includes(command),
    install: () => {
      around.installed++;
      return Promise.resolve();
    },
  };
  return around;
}
const cached = `/tools/k6-${K6_VERSION}`;

describe('findEngine', () => {
  it('takes k6 from the PATH, then from the tools, then the Docker image', async () => {
    const all = machine('k6', cached, 'docker');
    expect(await findEngine('auto', false, all)).toEqual({ kind: 'k6', path: 'k6' });
    expect(await findEngine('auto', false, machine(cached, 'docker'))).toEqual({
      kind: 'k6',
      path: cached,
    });
    expect(await findEngine('auto', false, machine('docker'))).toMatchObject({ kind: 'docker' });
    expect(await findEngine('docker', false, all)).toMatchObject({ kind: 'docker' });
  });

  it('builds k6 only when it is asked to and there is none', async () => {
    const bare = machine('docker');
    expect(await findEngine('auto', true, bare)).toEqual({ kind: 'k6', path: cached });
    expect(bare.installed).toBe(1);
    const full = machine('k6');
    await findEngine('auto', true, full);
    expect(full.installed).toBe(0);
  });

  it.each(['auto', 'k6', 'docker'] as const)(
    'says what to do when there is none for %s',
    async (wanted) => {
      await expect(findEngine(wanted, false, machine())).rejects.toThrow(NoEngineError);
      await expect(findEngine(wanted, false, machine())).rejects.toThrow(
        /--install-k6.*--engine node/,
      );
    },
  );

  it('needs nothing for the stand-in', async () => {
    expect(await findEngine('node', false, machine())).toEqual({ kind: 'node' });
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

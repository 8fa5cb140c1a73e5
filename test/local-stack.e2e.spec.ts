import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Kafka, logLevel, type Message } from 'kafkajs';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '#libs/testing';
import { isAlive } from '../deploy/local/src/process-identity.js';
import { compiled } from '../deploy/local/src/root.js';
import { readState, type StackState } from '../deploy/local/src/state-file.js';

// Goal: the servers survive the death of anything, and stopping leaves nothing behind. Method: the
// real launcher in a closed folder, with writes before and reads after each kill.
const LAUNCHER = compiled('deploy/local/src/main.js');

describe('the local stack in a folder that only its owner may enter', () => {
  const closed = mkdtempSync(join(tmpdir(), 'swarmledger-closed-'));
  const dataDir = join(closed, 'data');
  const statePath = join(dataDir, 'state.json');
  let launcher: ChildProcess;
  let output = '';

  const state = (): StackState => {
    const found = readState(statePath);
    if (!found) throw new Error('no state yet');
    return found;
  };
  const pidOf = (name: string) => {
    const identity = state().processes.find((each) => each.name === name)?.identity;
    if (!identity) throw new Error(`${name} has no process`);
    return identity;
  };
  const start = async (): Promise<StackState> => {
    output = '';
    launcher = spawn(
      process.execPath,
      [LAUNCHER, 'start', '--only', 'postgres,kafka', '--data', dataDir],
      { stdio: ['ignore', 'pipe', 'pipe'], env: withoutServers() },
    );
    for (const stream of [launcher.stdout, launcher.stderr]) {
      stream?.on('data', (text) => {
        output += String(text);
      });
    }
    const ended = new Promise<never>((_, reject) => {
      launcher.once('exit', () => reject(new Error(`the launcher ended:\n${output}`)));
    });
    const ready = eventually(
      () => {
        const now = state();
        expect(now.launcher.pid, output).toBe(launcher.pid);
        expect(now.phase, output).toBe('ready');
        return now;
      },
      { timeoutMs: 240_000 },
    );
    return await Promise.race([ready, ended]);
  };
  const run = (...args: string[]) => runLauncher([...args, '--data', dataDir]);
  const end = (signal: NodeJS.Signals) =>
    new Promise<number | null>((resolve) => {
      launcher.once('exit', (code) => resolve(code));
      if (!launcher.kill(signal)) resolve(launcher.exitCode);
    });

  beforeAll(async () => {
    mkdirSync(closed, { recursive: true, mode: 0o700 });
    await start();
  });
  afterAll(async () => {
    await run('down');
    rmSync(closed, { recursive: true, force: true, maxRetries: 10 });
  });

  test('answers, with secrets for its owner only', async () => {
    expect(statSync(closed).mode & 0o777).toBe(0o700);
    await writeRow(state(), 'before any kill');
    expect(await readRows(state())).toEqual(['before any kill']);
    await writeRecord(state(), 'before any kill');
    expect(await readRecords(state(), 1)).toEqual(['before any kill']);
    for (const file of Object.values(state().secrets)) expect(statSync(file).mode & 0o77).toBe(0);
    expect(statSync(statePath).mode & 0o77).toBe(0);
  });

  test('says where it runs when it is started twice', async () => {
    const second = await run('start', '--only', 'postgres');
    expect(second.code).toBe(2);
    expect(second.output).toContain(`already running in ${dataDir} (process ${launcher.pid}`);
  });

  test('lists its processes', async () => {
    const { code, output: text } = await run('status', '--json');
    expect(code).toBe(0);
    const { phase, processes } = JSON.parse(text);
    expect(phase).toBe('ready');
    const names = processes.map((each: { name: string; state: string }) => [each.name, each.state]);
    expect(new Map(names)).toEqual(
      new Map([
        ['postgres', 'running'],
        ['kafka', 'running'],
      ]),
    );
  });

  test('starts a killed server again, with its data and on its port', async () => {
    const before = state();
    for (const name of ['postgres', 'kafka']) process.kill(pidOf(name).pid, 'SIGKILL');
    await eventually(
      () => {
        const revived = state().processes.filter((each) => each.restarts === 1);
        expect(revived.map((each) => each.phase)).toEqual(['running', 'running']);
      },
      { timeoutMs: 240_000 },
    );
    expect(state().ports).toEqual(before.ports);
    expect(await readRows(state())).toEqual(['before any kill']);
    expect(await readRecords(state(), 1)).toEqual(['before any kill']);
  });

  test('recovers after the launcher and a server were killed', async () => {
    const before = state();
    const [database, broker] = [pidOf('postgres'), pidOf('kafka')];
    await end('SIGKILL');
    process.kill(database.pid, 'SIGKILL');
    expect(isAlive(broker)).toBe(true);
    const status = await run('status');
    expect(status.code).toBe(3);
    expect(status.output).toContain('unsupervised');
    const after = await start();
    expect(isAlive(broker)).toBe(false);
    expect(after.ports).toEqual(before.ports);
    expect(output).toContain('ended what a killed start had left: kafka');
    expect(await readRows(after)).toEqual(['before any kill']);
    expect(await readRecords(after, 1)).toEqual(['before any kill']);
  });

  test('stops on SIGTERM within ten seconds and leaves no process', async () => {
    const identities = [pidOf('postgres'), pidOf('kafka')];
    const startedAtMs = Date.now();
    expect(await end('SIGTERM'), output).toBe(0);
    expect(Date.now() - startedAtMs).toBeLessThan(10_000);
    expect(identities.filter(isAlive)).toEqual([]);
    expect(processesNaming(dataDir)).toEqual([]);
    expect((await run('down')).output).toContain('no stack runs');
  });

  test('is deleted by reset, which asks first', async () => {
    expect((await run('reset')).output).toContain('add --yes');
    expect((await run('reset', '--yes')).code).toBe(0);
    expect(readState(statePath)).toBeUndefined();
  });
});

describe('a machine without Java, Docker and KAFKA_BROKERS', () => {
  test('is told the three ways in one sentence, and nothing is left running', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'swarmledger-bare-'));
    const args = ['start', '--only', 'postgres,kafka', '--data', join(folder, 'data')];
    const env = { ...withoutServers(), PATH: folder, JAVA_HOME: '' };
    const { code, output } = await runLauncher(args, env);
    expect(code).toBe(2);
    expect(output.trim().split('\n')).toEqual([
      expect.stringMatching(
        /^No Kafka: install a JDK .* Maven, or start Docker.* or set KAFKA_BROKERS/,
      ),
    ]);
    expect(processesNaming(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});

describe('servers that tests start', () => {
  test('end with the test runner, even when it is killed, and take their folder along', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'swarmledger-guarded-'));
    const stack = pathToFileURL(compiled('deploy/local/src/stack.js')).href;
    const script = `
      const { startStack } = await import('${stack}');
      await startStack({ dataDir: process.argv[1], parts: ['postgres'], guard: true, temporary: true });
      setInterval(() => undefined, 1_000);`;
    const runner = spawn(process.execPath, ['--input-type=module', '-e', script, folder], {
      stdio: 'inherit',
      env: withoutServers(),
    });
    const identity = await eventually(
      () => {
        const found = readState(join(folder, 'state.json'));
        expect(found?.phase).toBe('ready');
        return found!.processes[0]!.identity!;
      },
      { timeoutMs: 60_000 },
    );
    runner.kill('SIGKILL');
    await eventually(() => expect(isAlive(identity)).toBe(false), { timeoutMs: 20_000 });
    await eventually(() => expect(existsSync(folder)).toBe(false), { timeoutMs: 20_000 });
    await eventually(() => expect(processesNaming(folder)).toEqual([]));
  });
});

/** The environment without addresses of servers: these tests are about the local ones. */
function withoutServers(): NodeJS.ProcessEnv {
  return { ...process.env, DATABASE_URL: '', KAFKA_BROKERS: '', TRON_NODE_URL: '' };
}

function runLauncher(args: readonly string[], env: NodeJS.ProcessEnv = withoutServers()) {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += String(text);
    });
  }
  return new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** Command lines of living processes that mention a path (Linux; elsewhere the pids above must do). */
function processesNaming(path: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(path));
}

async function withSql<T>(state: StackState, use: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(state.endpoints.databaseUrl ?? '', { max: 1, onnotice: () => undefined });
  try {
    return await use(sql);
  } finally {
    await sql.end();
  }
}

async function writeRow(state: StackState, text: string): Promise<void> {
  await withSql(state, async (sql) => {
    await sql`create table if not exists public.kept (id int generated always as identity, text text)`;
    await sql`insert into public.kept (text) values (${text})`;
  });
}

async function readRows(state: StackState): Promise<string[]> {
  return await withSql(state, async (sql) => {
    const rows = await sql<{ text: string }[]>`select text from public.kept order by id`;
    return rows.map((row) => row.text);
  });
}

function kafkaOf(state: StackState): Kafka {
  const brokers = (state.endpoints.kafkaBrokers ?? '').split(',');
  return new Kafka({ brokers, logLevel: logLevel.NOTHING });
}

async function writeRecord(state: StackState, text: string): Promise<void> {
  const producer = kafkaOf(state).producer();
  await producer.connect();
  await producer.send({ topic: 'vouchers', acks: -1, messages: [{ partition: 0, value: text }] });
  await producer.disconnect();
}

async function readRecords(state: StackState, count: number): Promise<string[]> {
  const consumer = kafkaOf(state).consumer({ groupId: `reader-${Date.now()}` });
  const texts: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: 'vouchers', fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }: { message: Message }) => {
      texts.push(String(message.value));
    },
  });
  try {
    await eventually(() => expect(texts.length).toBeGreaterThanOrEqual(count), {
      timeoutMs: 30_000,
    });
  } finally {
    await consumer.disconnect();
  }
  return texts;
}

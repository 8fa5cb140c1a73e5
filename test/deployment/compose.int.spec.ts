import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureTool, ROOT, runTool, TOOLS } from '../../deploy/checks/src/tools.js';
import { ROLES } from '../../deploy/container/src/roles.js';

type Dependency = { condition: string };
type ComposeService = {
  build?: { dockerfile: string; target: string };
  image: string;
  command?: string[];
  profiles?: string[];
  environment?: Record<string, string | null>;
  healthcheck?: { test?: string[]; disable?: boolean };
  depends_on?: Record<string, Dependency>;
  deploy?: { resources?: { limits?: { cpus?: number; memory?: string } } };
  ports?: { host_ip?: string; published?: string; target: number }[];
  read_only?: boolean;
  cap_drop?: string[];
  user?: string;
  restart?: string;
  volumes?: { type: string; source: string; target: string; read_only?: boolean }[];
};
type Project = { services: Record<string, ComposeService>; volumes: Record<string, unknown> };

const SERVICES = ['ingest', 'balance', 'auction', 'settlement', 'admin'];
const PASSWORD = { POSTGRES_PASSWORD: 'only-for-this-test' };

let tool: string;
let project: Project;
const service = (name: string): ComposeService => {
  const found = project.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};
const load = async (env: Record<string, string>): Promise<Project> =>
  JSON.parse(await runTool(tool, [join(ROOT, 'docker-compose.yml')], env)) as Project;

beforeAll(async () => {
  tool = await ensureTool(TOOLS.composeConfig);
  project = await load(PASSWORD);
}, 600_000);

describe('docker-compose.yml', () => {
  it('holds the stores, the chain and the five services', () => {
    expect(Object.keys(project.services)).toEqual(
      expect.arrayContaining(['postgres', 'kafka', 'devchain', 'migrate', 'topics', ...SERVICES]),
    );
    expect(service('postgres').image).toMatch(/^postgres:18/);
  });

  it('refuses to start without a database password and says what to do', async () => {
    await expect(load({})).rejects.toThrow(/POSTGRES_PASSWORD is missing.*\.env\.example/);
  });

  it('has no secret in clear', () => {
    const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
    for (const [, value] of text.matchAll(/(?:PASSWORD|TOKEN|KEY|SECRET)[A-Z_]*: ([^\n]+)/g)) {
      expect(value).toMatch(/^(\$\{[A-Z_]+:\?|\/run\/)/);
    }
    for (const [, credentials] of text.matchAll(/:\/\/([^@\s/]+)@/g)) {
      expect(credentials).toContain('${POSTGRES_PASSWORD:?');
    }
  });

  it.each(SERVICES)('%s starts after jobs and stores, with the image of the Dockerfile', (name) => {
    const { depends_on: needs = {}, build, command } = service(name);
    expect(command).toEqual([name]);
    expect(build).toMatchObject({ dockerfile: 'deploy/Dockerfile', target: 'runtime' });
    for (const job of ['secrets', 'topics', 'migrate', 'provision-chain']) {
      expect(needs[job]?.condition).toBe('service_completed_successfully');
    }
    for (const store of ['postgres', 'kafka']) {
      expect(needs[store]?.condition).toBe('service_healthy');
    }
  });

  it('lets the two stores start alone', () => {
    expect(service('postgres').depends_on).toBeUndefined();
    expect(service('kafka').depends_on).toBeUndefined();
  });

  it('waits for health wherever a process stays, so that `up --wait` is true', () => {
    const built = (each: ComposeService) => each.build !== undefined;
    for (const [name, each] of Object.entries(project.services)) {
      const isJob = each.restart === 'no';
      if (isJob) {
        // Compose takes the end of a job for a failure unless something waits for exactly that end.
        const waitedFor = Object.values(project.services).some(
          (other) => other.depends_on?.[name]?.condition === 'service_completed_successfully',
        );
        expect(waitedFor, `${name} is a job nobody waits for`).toBe(true);
        expect(each.healthcheck?.disable, name).toBe(true);
      } else if (built(each)) {
        // The check of the image itself, deploy/container/src/healthcheck.ts.
        expect(each.healthcheck, name).toBeUndefined();
      } else {
        expect(each.healthcheck?.test, name).toBeDefined();
      }
    }
  });

  it('keeps monitoring behind its profile, and everything else outside of any', () => {
    const profiled = Object.entries(project.services).filter(([, each]) => each.profiles);
    expect(profiled.map(([name]) => name).sort()).toEqual(['grafana', 'prometheus']);
    for (const [, each] of profiled) expect(each.profiles).toEqual(['monitoring']);
  });

  it('bounds every container and publishes to this machine only', () => {
    for (const [name, each] of Object.entries(project.services)) {
      expect(each.deploy?.resources?.limits?.memory, name).toBeDefined();
      expect(each.deploy?.resources?.limits?.cpus, name).toBeDefined();
      for (const port of each.ports ?? []) expect(port.host_ip, name).toBe('127.0.0.1');
    }
    const published = Object.values(project.services).flatMap((s) => s.ports ?? []);
    expect(new Set(published.map((port) => port.published)).size).toBe(published.length);
  });

  it('hardens every container of ours', () => {
    for (const [name, each] of Object.entries(project.services)) {
      if (each.build === undefined) continue;
      expect({ name, ...each }).toMatchObject({
        user: '1000:1000',
        read_only: true,
        cap_drop: ['ALL'],
      });
      const role = each.command?.[0] ?? 'devchain';
      expect(Object.keys(ROLES)).toContain(role);
    }
  });

  it('mounts only declared volumes and files that exist', () => {
    for (const each of Object.values(project.services)) {
      for (const { type, source } of each.volumes ?? []) {
        if (type === 'volume') expect(Object.keys(project.volumes)).toContain(source);
        else expect(() => readFileSync(source)).not.toThrow(/ENOENT/);
      }
    }
  });

  it('takes host ports and Kafka durability from the environment', async () => {
    const changed = await load({
      ...PASSWORD,
      POSTGRES_HOST_PORT: '15432',
      KAFKA_HOST_PORT: '19094',
      KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: '1',
    });
    expect(changed.services.postgres?.ports?.[0]?.published).toBe('15432');
    expect(changed.services.kafka?.environment).toMatchObject({
      KAFKA_ADVERTISED_LISTENERS: 'CLUSTER://kafka:9092,HOST://127.0.0.1:19094',
      KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: '1',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE: 'false',
    });
  });
});

describe('.env.example', () => {
  it('lists every variable that docker-compose.yml interpolates', () => {
    const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
    const example = readFileSync(join(ROOT, '.env.example'), 'utf8');
    const listed = new Set([...example.matchAll(/^#? ?([A-Z][A-Z0-9_]*)=/gm)].map(([, n]) => n));
    const used = new Set([...compose.matchAll(/\$\{([A-Z][A-Z0-9_]*)/g)].map(([, name]) => name));
    expect([...used].filter((name) => !listed.has(name))).toEqual([]);
  });
});

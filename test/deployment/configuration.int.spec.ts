import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureTool, ROOT, runTool, TOOLS } from '../../deploy/checks/src/tools.js';

// The services' own parsers read the environment that Compose and Kubernetes would give them.
const SERVICES = ['ingest', 'balance', 'auction', 'settlement', 'admin'];
const CHAIN = {
  CHAIN_ID: '3448148188',
  VAULT_ADDRESS: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t',
  TRC20_ADDRESS: 'TAFjULxiVgT4qWk6UZwjqwZXTSaGaqnVp4',
  TRC10_ID: '1002000',
};

// What the prod overlay adds to settlement, and the address that its operator fills in.
const REMOTE_KEY = {
  SIGNER_URL: 'signer:7000',
  SIGNER_CA_FILE: 'replaced',
  SIGNER_CERT_FILE: 'replaced',
  SIGNER_KEY_FILE: 'replaced',
  HOT_WALLET_ADDRESS: CHAIN.VAULT_ADDRESS,
};

type Env = Record<string, string>;
let folder: string;
let compose: Record<string, { environment?: Env }>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-config-'));
  const tool = await ensureTool(TOOLS.composeConfig);
  const file = join(ROOT, 'docker-compose.yml');
  const text = await runTool(tool, [file], { POSTGRES_PASSWORD: 'only-for-this-test' });
  compose = (JSON.parse(text) as { services: typeof compose }).services;
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The same environment with files that exist here: every secret is 32 bytes in hex, as the jobs make them. */
function withFiles(env: Env): Env {
  const secret = join(folder, 'secret');
  writeFileSync(secret, `${'5a'.repeat(32)}\n`, { mode: 0o600 });
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, name.endsWith('_FILE') ? secret : value]),
  );
}

async function load(service: string, env: Env): Promise<unknown> {
  const path = join(ROOT, 'services', service, 'src', 'config.ts');
  const { loadConfig } = (await import(path)) as { loadConfig: (env: Env) => unknown };
  return loadConfig(withFiles(env));
}

describe.each(SERVICES)('%s', (service) => {
  it('accepts what Compose gives it', async () => {
    const env = { ...compose[service]?.environment, ...CHAIN };
    await expect(load(service, env)).resolves.toBeDefined();
  });

  it('accepts what Kubernetes gives it', async () => {
    const file = (path: string) => parseEnv(readFileSync(join(ROOT, 'k8s', path), 'utf8')) as Env;
    const env = {
      ...file('overlays/prod/stack.env'),
      ...CHAIN,
      DEPOSIT_START_BLOCK: '1',
      ...file(`base/${service}/config.env`),
      // The secrets that its Deployment mounts and names.
      DATABASE_URL: 'postgres://swarmledger:secret@swarmledger-db-rw:5432/swarmledger',
      INTERNAL_TOKEN_FILE: 'replaced',
      ...(service === 'settlement' ? REMOTE_KEY : {}),
      ...(service === 'admin' ? { OPERATOR_TOKEN_FILE: 'replaced' } : {}),
    };
    await expect(load(service, env)).resolves.toBeDefined();
  });
});

describe('signer', () => {
  it('accepts what Kubernetes gives it', async () => {
    const file = (path: string) => parseEnv(readFileSync(join(ROOT, 'k8s', path), 'utf8')) as Env;
    const env = {
      ...file('overlays/prod/stack.env'),
      ...CHAIN,
      ...file('signer/config.env'),
      ...REMOTE_KEY,
      KEYSTORE_FILE: 'replaced',
      KEYSTORE_PASSWORD_FILE: 'replaced',
    };
    await expect(load('signer', env)).resolves.toBeDefined();
  });
});

describe('.env.example', () => {
  it('lists every variable that a service reads', () => {
    const example = readFileSync(join(ROOT, '.env.example'), 'utf8');
    const listed = new Set([...example.matchAll(/^#? ?([A-Z][A-Z0-9_]*)=/gm)].map(([, n]) => n));
    const files = globSync(['services/*/src/{config,keys,nodes}.ts', 'libs/config/src/env.ts'], {
      cwd: ROOT,
    });
    expect(files.length).toBeGreaterThan(SERVICES.length);
    const read = files.flatMap((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      return [...text.matchAll(/^\s+([A-Z][A-Z0-9_]+):/gm)].map(([, name]) => name);
    });
    expect([...new Set(read)].filter((name) => !listed.has(name))).toEqual([]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { proofOf } from '../src/inclusion.js';
import { HELP } from '../src/options.js';
import { guardedNode, runVerify } from './cli.kit.js';
import { VerifiedWorld } from './verified-world.js';

// The command as people and scripts run it: what it prints, and how it ends.

/** A busy machine starts a process in half a minute, and a test starts up to seven. */
const TIMEOUT_MS = 600_000;
const FOR_EVER = 1_000_000;
const NOWHERE = 'http://127.0.0.1:1';
let on: VerifiedWorld;
let folder: string;

beforeAll(async () => {
  on = await VerifiedWorld.start();
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-verify-'));
});
afterEach(() => on.world.devchain.clearFaults());
afterAll(async () => {
  await on?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const given = () => ({
  DATABASE_URL: on.world.database.url,
  TRON_NODE_URL: on.world.devchain.url,
  CHAIN_ID: on.world.place.chainId,
  VAULT_ADDRESS: on.world.place.vaultAddress,
  TRC10_ID: on.world.place.trc10Id,
});
const chainOnly = () => ({ ...given(), DATABASE_URL: '' });
/** Without the state of a stack that this machine may run. */
const verify = (args: readonly string[] = [], change: Readonly<Record<string, string>> = {}) =>
  runVerify(['--data', folder, ...args], { ...given(), ...change });
const ofAnna = (...more: string[]) => ['--account', on.anna.address, ...more];
const ofEpoch = (epochNo: bigint) => ['--epoch', String(epochNo)];

async function keptProof(name: string, spoil = false): Promise<string> {
  const proof = await proofOf(on.owner, on.anna.address, on.epochNo);
  if (typeof proof === 'string') throw new Error(proof);
  const { epochNo, leaf } = proof;
  const steps = Buffer.from(proof.proof);
  if (spoil) steps[5] = (steps[5] ?? 0) ^ 1;
  const path = join(folder, name);
  const hex = { leaf: leaf.toString('hex'), proof: steps.toString('hex') };
  writeFileSync(path, JSON.stringify({ epoch: String(epochNo), ...hex }));
  return path;
}

describe('npm run verify', { timeout: TIMEOUT_MS }, () => {
  it('shows its help and needs nothing for it', async () => {
    expect(await runVerify(['--help'], {})).toEqual({ code: 0, out: HELP, err: '' });
  });

  it.each([
    [['--everything'], /everything/],
    [['surplus'], /surplus/],
    [['--account', 'Tnobody'], /TRON address/],
    [['--account'], /account/],
    [['--epoch', '1'], /go with --account/],
  ])('ends with 2 for %j and says what is wrong', async (args, message) => {
    const { code, out, err } = await verify(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).toMatch(/npm run verify -- --help/);
    expect(err).not.toMatch(/\n +at /);
  });

  it('ends with 0 and plain lines when everything agrees', async () => {
    const { code, out, err } = await verify();
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Hash chains: \d+ rows\nJournal: \d+ rows\n/);
    expect(out).toMatch(/\neverything agrees: \d+ checks over \d+ rows\n$/);
    for (const mark of ['\r', '\u001b', '█']) expect(out).not.toContain(mark);
  });

  it('ends with 1 and names the row when something differs; JSON says the same', async () => {
    const { sql } = on.owner;
    const by = (units: number) =>
      sql`update ledger.balances set units = units + ${units} where part = -1 and account_no = 1`;
    await by(1);
    const [plain, json] = [await verify(), await verify(['--json'])];
    await by(-1);
    expect(plain.code).toBe(1);
    expect(plain.out).toMatch(
      /\nDIFFERS: ledger\.balances \(part -1, account 1\): expected units \d+, found units \d+\n$/,
    );
    expect(json.code).toBe(1);
    expect(json.out.split('\n')).toHaveLength(2);
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      difference: { table: 'ledger.balances', key: 'part -1, account 1' },
    });
    expect(json.err).toContain('DIFFERS: ledger.balances');
    const { code, out } = await verify(['--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ ok: true });
  });
});

describe('npm run verify -- --account', { timeout: TIMEOUT_MS }, () => {
  it('proves what an account owns, in the newest epoch or a given one', async () => {
    const told = new RegExp(`^${on.anna.address} owns \\d+ units in epoch ${on.epochNo}, by`);
    for (const args of [ofAnna(), ofAnna(...ofEpoch(on.epochNo))]) {
      const { code, out, err } = await verify(args);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(told);
    }
    const { out } = await verify(ofAnna('--json'));
    expect(JSON.parse(out)).toMatchObject({ ok: true, epochNo: String(on.epochNo), problem: '' });
  });

  it('ends with 1 for an account that owned nothing, and for an epoch that is not there', async () => {
    const stranger = await verify(['--account', on.world.place.hotWalletAddress]);
    expect(stranger.code).toBe(1);
    expect(stranger.out).toMatch(/^NOT PROVEN: epoch \d+ has no leaf of T\w+: it owned nothing\n$/);
    const early = await verify(ofAnna(...ofEpoch(99n)));
    expect(early.code).toBe(1);
    expect(early.out).toBe(
      `NOT PROVEN: epoch 99 is not committed; the newest one is ${on.epochNo}\n`,
    );
  });

  it('checks a proof that was kept without any database', async () => {
    const run = (...args: string[]) => runVerify(['--data', folder, ...args], chainOnly());
    const kept = ['--proof', await keptProof('kept.json')];
    const right = await run(...ofAnna(...kept));
    expect(right.code).toBe(0);
    expect(right.out).toMatch(/ owns \d+ units/);
    const another = await run('--account', on.world.place.vaultAddress, ...kept);
    expect(another.code).toBe(1);
    expect(another.out).toMatch(/not that of account/);
    const spoilt = await run(...ofAnna('--proof', await keptProof('spoilt.json', true)));
    expect(spoilt.code).toBe(1);
    expect(spoilt.out).toMatch(/NOT PROVEN: the proof leads to root/);
    const wrongEpoch = await run(...ofAnna(...kept, ...ofEpoch(98n)));
    expect(wrongEpoch.code).toBe(2);
    expect(wrongEpoch.err).toMatch(/the proof is of epoch/);
    const missing = await run(...ofAnna('--proof', join(folder, 'missing.json')));
    expect(missing.code).toBe(2);
    expect(missing.err).toMatch(/cannot read the proof/);
    const everything = await run();
    expect(everything.code).toBe(2);
    expect(everything.err).toMatch(/DATABASE_URL, or a stack started by npm start/);
  });
});

describe('the stack that npm run verify looks at', { timeout: TIMEOUT_MS }, () => {
  it('is the one whose state is in the data folder, but for what the environment says', async () => {
    const { database, devchain, place } = on.world;
    const state = {
      endpoints: { databaseUrl: database.url, tronNodeUrl: devchain.url },
      network: { ...place, chainId: Number(place.chainId) },
    };
    const data = mkdtempSync(join(folder, 'data-'));
    writeFileSync(join(data, 'state.json'), JSON.stringify(state));
    const args = ['--data', data, '--account', on.anna.address];
    expect(await runVerify(args, {})).toMatchObject({ code: 0, err: '' });
    expect(await runVerify(args, { TRON_NODE_URLS: `${NOWHERE},${devchain.url}` })).toMatchObject({
      code: 2,
      err: expect.stringMatching(/of 2 TRON nodes 2 must agree/),
    });
  });
});

describe('what npm run verify cannot reach', { timeout: TIMEOUT_MS }, () => {
  it.each([
    ['no setting at all', { TRON_NODE_URL: '' }, /needs TRON_NODE_URL, or a stack started by npm/],
    ['no vault', { VAULT_ADDRESS: '' }, /needs VAULT_ADDRESS, or a stack started by npm start/],
    ['a vault that is none', { VAULT_ADDRESS: 'vault' }, /VAULT_ADDRESS: expected a TRON address/],
    ['both settings of nodes', { TRON_NODE_URLS: NOWHERE }, /exactly one of TRON_NODE_URL and/],
    ['a missing file of keys', { TRON_API_KEY_FILE: '/nowhere' }, /TRON_API_KEY_FILE: the file/],
    [
      'a chain that is down',
      { TRON_NODE_URL: NOWHERE },
      /chain does not answer.*npm start.*TRON_NODE_URL/s,
    ],
    ['another chain', { CHAIN_ID: '7' }, /the nodes are of chain \d+, CHAIN_ID says 7/],
    [
      'a database that is down',
      { DATABASE_URL: 'postgres://x@127.0.0.1:1/x' },
      /database cannot be reached.*npm start.*DATABASE_URL/s,
    ],
  ])('is told: %s', async (_name, change, message) => {
    const { code, out, err } = await verify([], change);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n +at /);
  });

  it('is told: a vault that is not on this chain, a database without our tables', async () => {
    const noVault = await verify([], { VAULT_ADDRESS: on.anna.address });
    expect(noVault.code).toBe(2);
    expect(noVault.err).toMatch(/VAULT_ADDRESS/);
    const empty = new URL(on.world.database.url);
    empty.pathname = '/postgres';
    const noTables = await verify([], { DATABASE_URL: empty.href });
    expect(noTables.code).toBe(2);
    expect(noTables.err).toMatch(/not one of a ledger of this version.*DATABASE_URL/s);
  });
});

describe('the nodes of npm run verify', { timeout: TIMEOUT_MS }, () => {
  const several = (...urls: readonly (string | undefined)[]) => ({
    TRON_NODE_URL: '',
    TRON_NODE_URLS: urls.join(','),
  });

  it('are several of which two agree, although one is gone or lies about the vault', async () => {
    const { devchain } = on.world;
    const env = several(...devchain.urls);
    devchain.arm({ kind: 'http-error', path: '/wallet', status: 503 }, FOR_EVER, 2);
    expect(await verify(ofAnna(), env)).toMatchObject({ code: 0, err: '' });
    devchain.clearFaults();
    devchain.arm({ kind: 'alter', path: '/walletsolidity/triggerconstantcontract' }, FOR_EVER, 2);
    expect(await verify(ofAnna(), env)).toMatchObject({ code: 0, err: '' });
    const [first, , liar] = devchain.urls;
    const { code, err } = await verify(ofAnna(), several(first, liar));
    expect(code).toBe(2);
    expect(err).toMatch(/cannot be believed: the TRON nodes disagree about contract T/);
  });

  it('are not the same one twice', async () => {
    const { url } = on.world.devchain;
    const { code, err } = await verify(ofAnna(), several(url, url));
    expect(code).toBe(2);
    expect(err).toMatch(/is named twice/);
  });

  it('get the API key of their host, in the header that they want', async () => {
    const node = await guardedNode(on.world.devchain.url, 'X-Key', 'a-secret');
    try {
      const env = { TRON_NODE_URL: node.url };
      expect(await verify(ofAnna(), env)).toMatchObject({ code: 2, out: '' });
      const keys = join(folder, 'keys');
      writeFileSync(keys, `${new URL(node.url).host} X-Key a-secret\n`);
      expect(await verify(ofAnna(), { ...env, TRON_API_KEY_FILE: keys })).toMatchObject({
        code: 0,
        err: '',
      });
    } finally {
      node.server.close();
    }
  });
});

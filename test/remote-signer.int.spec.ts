import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Asset } from '#libs/contracts';
import { startDevchain } from '#libs/devchain';
import { openSigner } from '../services/settlement/src/keys.js';
import type { Parts } from '../services/settlement/src/parts.js';
import { payee, scan, tickUntil, UNIT, World } from '../services/settlement/test/world.js';
import { OWNER, PASSWORD, SignerWorld } from '../services/signer/test/world.js';

// Settlement without the key: the signer is a process of its own behind mutual TLS. Both are the
// services' own parts, on one local chain.
const { TRC20_BTT, TRC10_BTTOLD } = Asset;
let world: World;
const signer = new SignerWorld();
let parts: Parts;
let next = 0;
let place: Record<string, string>;

const settlementEnv = () => ({
  HOT_WALLET_KEY_FILE: '',
  SIGNER_URL: signer.url,
  HOT_WALLET_ADDRESS: OWNER,
  SIGNER_CA_FILE: signer.file('client-ca.pem', signer.authority.certificate),
  SIGNER_CERT_FILE: signer.file('client.pem', signer.client.certificate),
  SIGNER_KEY_FILE: signer.file('client.key', signer.client.key),
});
const boot = async (env: Record<string, string>) => {
  const { keys, CHAIN_ID } = world.config(env);
  return world.boot(env, await openSigner(keys, CHAIN_ID));
};
const plan = async (asset: Asset, units: bigint) => {
  const number = ++next;
  const to = payee(number);
  const id = world.books.request(number, asset, to, units);
  const run = await parts.runs.run();
  if (!run.ok) throw new Error(run.detail);
  return { id, to };
};
const settled = (id: string) =>
  tickUntil(world, parts, () => world.books.stateOf(id) === 'SOLIDIFIED');

beforeAll(async () => {
  world = await World.start();
  await world.fillReserves(1_000_000n);
  place = {
    CHAIN_ID: world.place.chainId,
    VAULT_ADDRESS: world.place.vaultAddress,
    TRC20_ADDRESS: world.place.trc20Address,
    TRC10_ID: world.place.trc10Id,
    SIGNER_NODE_URLS: world.devchain.url,
  };
  await signer.start(place);
  parts = await boot(settlementEnv());
});
afterAll(async () => {
  await world.stop();
  await signer.end();
});

describe('settlement with a remote signer', () => {
  it('pays both assets', async () => {
    const batch = await plan(TRC20_BTT, 5n);
    const single = await plan(TRC10_BTTOLD, 7n);
    await settled(batch.id);
    await settled(single.id);
    expect(await world.trc20Of(batch.to)).toBe(5n * UNIT);
    expect(await world.trc10Of(single.to)).toBe(7n);
  });

  it('pays everybody else when the policy forbids a payout, and shows the signer’s reason', async () => {
    const { id } = await plan(TRC20_BTT, 1_001n);
    await scan(parts);
    await parts.driver.round();
    expect(parts.driver.paused).toContain('the signer refuses (AMOUNT)');
    expect(world.books.stateOf(id)).toBe('PLANNED');
    // It holds up no other, of its asset or of the other one.
    const batch = await plan(TRC20_BTT, 4n);
    const single = await plan(TRC10_BTTOLD, 6n);
    await settled(batch.id);
    await settled(single.id);
    expect(world.books.stateOf(id)).toBe('PLANNED');
    expect(parts.driver.paused).toContain('the signer refuses (AMOUNT)');
    await signer.stop();
    await signer.start({
      ...place,
      SIGNER_TX_UNITS_MAX: '2000',
      GRPC_PORT: signer.url.split(':')[1] ?? '',
    });
    await settled(id);
    expect(parts.driver.paused).toBe('');
  });

  it('goes on reading deposits while the signer is away, and pays when it is back', async () => {
    await signer.stop();
    const { id, to } = await plan(TRC20_BTT, 3n);
    await scan(parts);
    await parts.driver.round();
    expect(parts.driver.paused).toContain('the signer cannot sign');
    await signer.start({ ...place, GRPC_PORT: signer.url.split(':')[1] ?? '' });
    await settled(id);
    expect(await world.trc20Of(to)).toBe(3n * UNIT);
  });

  it('does not get a signature for a chain that is not the signer’s', async () => {
    const other = await startDevchain({ network: 'another' });
    await signer.stop();
    const port = signer.url.split(':')[1] ?? '';
    await signer.start({ ...place, SIGNER_NODE_URLS: other.url, GRPC_PORT: port });
    const { id } = await plan(TRC20_BTT, 2n);
    await scan(parts);
    await parts.driver.round();
    expect(parts.driver.paused).toMatch(/refuses \(WRONG_CHAIN\).*own node is on chain/);
    expect(world.books.stateOf(id)).toBe('PLANNED');
    await other.stop();
    await scan(parts);
    await parts.driver.round();
    expect(parts.driver.paused).toMatch(/cannot be checked|own node is on chain/);
  });
});

describe('settlement with a keystore', () => {
  it('opens it with the password of its file, and pays', async () => {
    const env = {
      HOT_WALLET_KEY_FILE: '',
      KEYSTORE_FILE: join(signer.folder, 'keystore.json'),
      KEYSTORE_PASSWORD_FILE: join(signer.folder, 'password'),
    };
    const wrong = join(signer.folder, 'wrong');
    writeFileSync(wrong, 'not the password', { mode: 0o600 });
    await expect(boot({ ...env, KEYSTORE_PASSWORD_FILE: wrong })).rejects.toThrow('wrong');
    expect(readFileSync(env.KEYSTORE_PASSWORD_FILE, 'utf8')).toContain(PASSWORD);
    await world.killAll();
    parts = await boot(env);
    const { id, to } = await plan(TRC20_BTT, 9n);
    await settled(id);
    expect(await world.trc20Of(to)).toBe(9n * UNIT);
  });
});

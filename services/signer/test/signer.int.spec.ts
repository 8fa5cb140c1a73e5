import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '#libs/observability';
import {
  buildTransaction,
  type ChainCall,
  encodeVaultCall,
  isSignedBy,
  KeySigner,
  type TransactionTerms,
  type VaultCall,
} from '#libs/tron';
import { loadConfig } from '../src/config.js';
import { createParts } from '../src/parts.js';
import { type Certificate, makeAuthority, makeCertificate } from './certificates.js';
import { RemoteSignerClient } from './client.js';
import { CHAIN_ID, OWNER, SignerWorld, TRC20, VAULT } from './world.js';

const UNIT = 10n ** 15n;
const payee = new KeySigner('1f'.repeat(32)).address;
const world = new SignerWorld();
let client: RemoteSignerClient;
let stamp = 0n;

const raw = (call: ChainCall, change: Partial<TransactionTerms> = {}) => {
  stamp += 1n;
  const now = BigInt(Date.now());
  return buildTransaction({
    owner: OWNER,
    call,
    reference: { number: 1n, id: '0'.repeat(64), timestampMs: 0n },
    expirationMs: now + 60_000n,
    timestampMs: now + stamp,
    feeLimitSun: 0n,
    ...change,
  }).raw;
};
const onVault = (call: VaultCall): ChainCall => ({
  kind: 'trigger',
  contract: VAULT,
  data: encodeVaultCall(call),
});
const pay = (batch: number, units: bigint, to = payee): ChainCall =>
  onVault({
    method: 'payBatch',
    batchId: batch.toString(16).padStart(64, '0'),
    payouts: [{ to, amountBaseUnits: units * UNIT }],
  });
const trc10 = (units: bigint, tokenId = '1002000'): ChainCall => ({
  kind: 'trc10',
  tokenId,
  to: payee,
  amountBaseUnits: units,
});
const connect = (certificate: Certificate | undefined, authority = world.authority) =>
  new RemoteSignerClient(world.url, authority.certificate, certificate);

beforeAll(async () => {
  await world.start();
  client = connect(world.client);
});
afterAll(async () => {
  client.close();
  await world.end();
});

describe('the policy', () => {
  it('signs batches and transfers within it, and the same bytes again', async () => {
    const bytes = raw(pay(1, 100n));
    const first = await client.sign(bytes);
    expect(isSignedBy(OWNER, bytes, first.signature ?? new Uint8Array())).toBe(true);
    expect(await client.sign(bytes)).toEqual(first);
    expect((await client.sign(raw(trc10(100n)))).signature).toHaveLength(65);
    const claims = onVault({
      method: 'commitClaims',
      batchId: '77'.repeat(32),
      root: 'aa'.repeat(32),
      totalUnits: 100n,
      claimableUntilS: 1n,
    });
    expect((await client.sign(raw(claims))).signature).toHaveLength(65);
  });

  it.each<[string, string, () => Uint8Array]>([
    ['nonsense', 'UNREADABLE', () => Uint8Array.of(1, 2, 3)],
    [
      'a byte too many',
      'UNREADABLE',
      () => Buffer.concat([raw(pay(2, 1n)), Uint8Array.of(0xa0, 1, 1)]),
    ],
    [
      'a memo',
      'MEMO_OR_PERMISSION',
      () => Buffer.concat([raw(pay(2, 1n)), Uint8Array.of(0x52, 1, 65)]),
    ],
    ['another sender', 'WRONG_OWNER', () => raw(pay(2, 1n), { owner: payee })],
    ['TRX', 'UNKNOWN_CALL', () => raw({ kind: 'trx', to: payee, amountSun: 1n })],
    ['another token', 'UNKNOWN_CALL', () => raw(trc10(1n, '1002001'))],
    [
      'another contract',
      'UNKNOWN_CALL',
      () => raw({ ...pay(2, 1n), kind: 'trigger', contract: TRC20 } as ChainCall),
    ],
    [
      'another method',
      'UNKNOWN_CALL',
      () => raw({ kind: 'trigger', contract: VAULT, data: Uint8Array.of(1, 2, 3, 4) }),
    ],
    [
      'too long a life',
      'EXPIRATION',
      () => raw(pay(2, 1n), { expirationMs: BigInt(Date.now()) + 700_000n }),
    ],
    ['too late', 'EXPIRATION', () => raw(pay(2, 1n), { expirationMs: 5n })],
    ['a high fee limit', 'FEE_LIMIT', () => raw(pay(2, 1n), { feeLimitSun: 5_000_000_001n })],
    ['too much', 'AMOUNT', () => raw(pay(2, 1_001n))],
    [
      'a part of a unit too much',
      'AMOUNT',
      () =>
        raw(
          onVault({
            method: 'payBatch',
            batchId: '02'.repeat(32),
            payouts: [{ to: payee, amountBaseUnits: 1_000n * UNIT + 1n }],
          }),
        ),
    ],
    ['the vault as payee', 'PAYEES', () => raw(pay(2, 1n, VAULT))],
    ['a batch of before with other payees', 'CHANGED', () => raw(pay(1, 101n))],
  ])('refuses %s', async (_name, reason, bytes) => {
    expect(await client.sign(bytes())).toMatchObject({ refusal: reason });
  });

  it('refuses what is meant for another chain', async () => {
    expect(await client.sign(raw(pay(2, 1n)), CHAIN_ID + 1n)).toMatchObject({
      refusal: 'WRONG_CHAIN',
    });
  });

  it('signs epochs in their order only', async () => {
    const epoch = (number: bigint, root: string) =>
      raw(onVault({ method: 'commitEpoch', epoch: number, root: root.repeat(32), totalUnits: 9n }));
    expect((await client.sign(epoch(5n, 'aa'))).signature).toHaveLength(65);
    expect((await client.sign(epoch(5n, 'aa'))).signature).toHaveLength(65);
    expect(await client.sign(epoch(5n, 'bb'))).toMatchObject({ refusal: 'CHANGED' });
    expect(await client.sign(epoch(4n, 'aa'))).toMatchObject({ refusal: 'CHANGED' });
  });

  it('signs a batch so often and no more', async () => {
    const results = [];
    for (let attempt = 0; attempt < 11; attempt++)
      results.push(await client.sign(raw(pay(3, 10n))));
    expect(results.slice(0, 10).every(({ signature }) => signature?.length === 65)).toBe(true);
    expect(results[10]).toMatchObject({ refusal: 'SIGNED_TOO_OFTEN' });
  });

  it('knows after a restart what it has signed, also when many ask at once', async () => {
    await world.stop();
    client.close();
    await world.start();
    client = connect(world.client);
    expect(await client.sign(raw(pay(1, 101n)))).toMatchObject({ refusal: 'CHANGED' });
    expect(await client.sign(raw(pay(3, 10n)))).toMatchObject({ refusal: 'SIGNED_TOO_OFTEN' });
    // 310 of 2 500 are used: two more of 1 000 fit, whoever comes first.
    const results = await Promise.all(
      [20, 21, 22, 23].map((batch) => client.sign(raw(pay(batch, 1_000n)))),
    );
    expect(results.filter(({ signature }) => signature?.length === 65)).toHaveLength(2);
    expect(results.filter(({ refusal }) => refusal === 'WINDOW')).toHaveLength(2);
  });
});

describe('mutual TLS', () => {
  it('tells whom it is for', async () => {
    expect(await client.signer()).toMatchObject({
      address: OWNER,
      vault: VAULT,
      chainId: CHAIN_ID,
    });
  });

  it.each([
    ['without a certificate', () => connect(undefined), 'UNAVAILABLE'],
    [
      'with one of another authority',
      () => connect(makeCertificate(makeAuthority('other'), 'settlement')),
      'UNAVAILABLE',
    ],
    [
      'with one that has expired',
      () => connect(makeCertificate(world.authority, 'settlement', true)),
      'UNAVAILABLE',
    ],
    [
      'with one for something else',
      () => connect(makeCertificate(world.authority, 'admin')),
      'PERMISSION_DENIED',
    ],
    [
      'to a server of an authority that we do not know',
      () => connect(world.client, makeAuthority('other')),
      'UNAVAILABLE',
    ],
  ])('does not let anybody in %s', async (_name, open, status) => {
    const stranger = open();
    expect(await stranger.failure()).toBe(status);
    stranger.close();
  });
});

describe('the journal', () => {
  const path = join(world.folder, 'signed.jsonl');
  const open = async () => {
    const config = loadConfig(await world.env());
    const parts = await createParts(config, createLogger({ name: 'signer', level: 'silent' }));
    await parts.journal.close();
  };

  it('loses a line that was torn by a crash, and nothing else', async () => {
    await world.stop();
    const whole = readFileSync(path, 'utf8');
    appendFileSync(path, '{"atMs":"1","tx');
    await open();
    expect(readFileSync(path, 'utf8')).toBe(whole);
  });

  it('stops the start when it is damaged elsewhere', async () => {
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, whole.replace('"units":"100"', '"units":"-1"'));
    await expect(open()).rejects.toThrow('line 1 of signed.jsonl is damaged');
    writeFileSync(path, whole);
    await open();
  });

  it('belongs to one process', async () => {
    writeFileSync(join(world.folder, 'lock'), String(process.ppid));
    await expect(open()).rejects.toThrow(`used by process ${process.ppid}`);
    writeFileSync(join(world.folder, 'lock'), '999999999');
    await open();
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Asset } from '#libs/contracts';
import { freePort } from '#libs/testing';
import { ChainWallet } from '#libs/tron';
import { HOT_WALLET_KEY } from '../../../services/settlement/test/world.js';
import { HELP } from '../src/options.js';
import type { SettleResult } from '../src/settle.js';
import { LARGE, RunningSettlement, runSettle } from './running-settlement.js';

// The command as operators run it against a settlement that no local launcher runs: by its address and token.

/** A busy machine starts a process in half a minute. */
const TIMEOUT_MS = 300_000;
let on: RunningSettlement;
let folder: string;

beforeAll(async () => {
  on = await RunningSettlement.start();
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-settle-'));
});
afterAll(async () => {
  await on?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
};
const settle = (...args: string[]) =>
  runSettle(['--address', on.internalUrl, '--token-file', on.tokenFile, ...args]);
const json = async (...args: string[]) => {
  const { code, out, err } = await settle('--json', ...args);
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return { ...(JSON.parse(out) as SettleResult), err };
};

describe('npm run settle -- --address', { timeout: TIMEOUT_MS }, () => {
  it('shows a large batch that waits, and pays it when an operator says yes', async () => {
    const id = await on.request(LARGE, Asset.TRC20_BTT);
    expect(await json('--yes')).toMatchObject({ ran: true, waitingForApproval: ['1'] });
    // By the variables that services have, too.
    const env = { SETTLEMENT_INTERNAL_URL: on.internalUrl, INTERNAL_TOKEN_FILE: on.tokenFile };
    const { code, out } = await runSettle(['--dry-run'], env);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^batch 1 waits for an operator since \d{4}-.*: TRC20_BTT batch of 1, 0\.001 BTTOLD, about \d+\.\d{6} TRX/,
    );
    expect(out).toMatch(/\n {2}T\w{33} 0\.001\n/);
    expect(await json('--dry-run')).toMatchObject({ ran: false, waitingForApproval: ['1'] });
    expect(on.stateOf(id)).toBe('PLANNED');

    const paid = await json('--approve', '1', '--operator', 'ann');
    expect(paid).toMatchObject({ solidified: 1, failed: 0, waitingForApproval: [] });
    expect(paid.err).toContain('batch 1: approved by ann');
    const again = await settle('--approve', '1', '--operator', 'ann');
    expect(again.code).toBe(0);
    expect(on.stateOf(id)).toBe('SOLIDIFIED');
  });

  it('gives a batch back when an operator says no, leaves the rest, and tells a later yes', async () => {
    const large = await on.request(LARGE, Asset.TRC10_BTTOLD);
    const [no = ''] = (await json('--yes')).waitingForApproval;
    const small = await on.request(5n, Asset.TRC20_BTT);
    const answer = await settle('--reject', no, '--operator', 'bob', '--note', 'looks odd');
    expect(answer).toMatchObject({ code: 0, err: '' });
    expect(answer.out).toContain(`batch ${no}: rejected by bob`);
    expect(answer.out).toContain('What else is due is not paid');
    await expect.poll(() => on.stateOf(large), { timeout: 30_000 }).toBe('REFUNDED');
    expect(on.stateOf(small)).toBe('QUEUED');
    const late = await settle('--approve', no);
    expect(late.code).toBe(1);
    expect(late.err).toContain(`batch ${no} was rejected by bob (NOT_PERMITTED)`);
    expect((await settle('--approve', '999')).err).toContain('there is no batch 999 (NOT_FOUND)');
  });

  it('lets settlement go on after a transaction that an operator explains', async () => {
    const { devchain, faucet } = on.world;
    const hot = new ChainWallet({ url: devchain.url, timeoutMs: 5_000 }, HOT_WALLET_KEY);
    const txid = await hot.sendTrx(faucet.address, 1n);
    const id = await on.request(5n, Asset.TRC20_BTT);
    const dryRun = async () => (await settle('--dry-run')).out;
    const paused = new RegExp(
      `\\nSETTLEMENT IS PAUSED: .* not on record here, first ${txid}: see `,
    );
    await expect.poll(dryRun, { timeout: 120_000 }).toMatch(paused);
    const words = ['--reason', 'a test transfer', '--operator', 'ann'];
    await expect
      .poll(async () => (await settle('--explain', txid, ...words)).code, { timeout: 120_000 })
      .toBe(0);
    const shown = await dryRun();
    expect(shown).not.toContain('PAUSED');
    expect(shown).toContain(`\nwallet   ${on.world.place.hotWalletAddress} has `);
    expect((await json('--yes')).failed).toBe(0);
    expect(on.stateOf(id)).toBe('SOLIDIFIED');
    const other = await settle('--explain', txid, '--reason', 'another');
    expect(other).toMatchObject({ code: 1, out: '' });
    expect(other.err).toContain('ann has explained it: a test transfer (NOT_PERMITTED)');
  });

  it('says what is wrong when it is refused or not answered', async () => {
    const nowhere = `127.0.0.1:${await freePort()}`;
    const wrong = file('wrong', 'a guess');
    const cases = [
      [nowhere, on.tokenFile, 1, `settlement at ${nowhere} does not answer: .*ECONNREFUSED`],
      [on.internalUrl, wrong, 1, `settlement at ${on.internalUrl} refuses the internal token`],
      [on.publicUrl, on.tokenFile, 1, `${on.publicUrl} is not the internal port of settlement`],
      [on.internalUrl, join(folder, 'none'), 2, 'token file .*none: the file is missing or empty'],
      [on.internalUrl, file('empty', '\n'), 2, 'token file .*empty: the file is missing or empty'],
    ] as const;
    for (const [address, token, code, message] of cases) {
      const run = await runSettle(['--address', address, '--token-file', token, '--approve', '1']);
      expect(run).toMatchObject({ code, out: '' });
      expect(run.err).toMatch(new RegExp(`^npm run settle: ${message}`));
      expect(run.err).not.toMatch(/\n +at /);
    }
  });

  it('shows its help without any of it, and says how to name a settlement when no stack runs', async () => {
    expect(await runSettle(['--help'])).toEqual({ code: 0, out: HELP, err: '' });
    const { code, err } = await runSettle(['--state', join(folder, 'state.json'), '--dry-run']);
    expect(code).toBe(2);
    expect(err).toContain('name a settlement with --address');
  });
});

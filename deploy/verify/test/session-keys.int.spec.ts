import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '#libs/database';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { ledgerKit } from '../../../services/balance/test/ledger.kit.js';
import { CLAIM_CHECKS } from '../src/checks/claims.js';
import type { Difference } from '../src/difference.js';
import { differenceOf } from './check-alone.kit.js';
import { sessionKeyChannels } from './session-keys.kit.js';

// Delegations of session keys and what was signed under them; then they are changed by hand.

let server: TestDatabase;
let owner: Database;
let kit: ReturnType<typeof ledgerKit>;

beforeAll(async () => {
  server = await freshDatabase();
  owner = new Database({ url: server.url, applicationName: 'verify-test', connectionsMax: 2 });
  kit = ledgerKit(server.url);
  const payer = await kit.account(100_000n);
  await sessionKeyChannels(kit, payer, await kit.account());
  await owner.sql`create table kept_keys as select * from ledger.session_keys`;
  await owner.sql`create table kept_channels as
    select channel_no, session_key_no as kept_no from ledger.channels`;
});
afterAll(async () => {
  await Promise.all([kit?.database.close(), owner?.close()]);
  await server?.drop();
});

/** The first difference that the checks of keys and claims find; they ask the chain nothing. */
async function difference(): Promise<Difference | undefined> {
  const place = { chainId: BigInt(kit.env.CHAIN_ID), vault: kit.env.VAULT_ADDRESS, trc10Id: '' };
  return differenceOf(owner, CLAIM_CHECKS, place);
}

/** What is found after a change that whoever owns the database can make; then it is taken back. */
async function changed(change: string): Promise<Difference | undefined> {
  try {
    await owner.sql.unsafe(change);
    return await difference();
  } finally {
    await owner.sql.unsafe(BACK);
  }
}
const BACK = `
  update ledger.channels set session_key_no = kept_no from kept_channels
    where channels.channel_no = kept_channels.channel_no;
  truncate ledger.session_keys;
  insert into ledger.session_keys overriding system value select * from kept_keys`;

const KEYS = 'update ledger.session_keys set';
const NOT_REVOKED = 'where revoked_at_ms is null';
const REVOKED = 'where revoked_at_ms is not null';
// An identity column can only be written as a new row.
const RENUMBERED = `create temporary table moved on commit drop as
    select * from ledger.session_keys ${NOT_REVOKED};
  delete from ledger.session_keys ${NOT_REVOKED};
  update moved set session_key_no = session_key_no + 64;
  insert into ledger.session_keys overriding system value select * from moved`;
const flip = (column: string, byte: number) =>
  `${KEYS} ${column} = set_byte(${column}, ${byte}, get_byte(${column}, ${byte}) # 4)`;

describe('verify', () => {
  it('finds nothing in what session keys have opened and paid', async () => {
    expect(await difference()).toBeUndefined();
  });

  it.each([
    ['another account', `${KEYS} account_no = account_no + 1 ${NOT_REVOKED}`],
    ['an account that is not there', `${KEYS} account_no = account_no # 4096 ${NOT_REVOKED}`],
    ['another number', RENUMBERED],
    ['another address', `${KEYS} address = 'TXLAQ63Xg1NAzckPwKHvzw7CSEmLMEqcdj' ${NOT_REVOKED}`],
    ['no address', `${KEYS} address = 'T' || substr(address, 3) ${NOT_REVOKED}`],
    ['a bit of the key', `${flip('public_key', 40)} ${NOT_REVOKED}`],
    ['a bit of the signature', `${flip('signature', 20)} ${NOT_REVOKED}`],
    ['a bit of the revocation', `${flip('revocation_signature', 20)} ${REVOKED}`],
    ['a higher cap', `${KEYS} cap_units = cap_units + 1 ${NOT_REVOKED}`],
    ['a later expiry', `${KEYS} expires_at_ms = expires_at_ms + 1 ${NOT_REVOKED}`],
    ['another validity', `${KEYS} valid_until_ms = valid_until_ms - 1 ${NOT_REVOKED}`],
    ['less used', `${KEYS} used_units = used_units - 1 ${NOT_REVOKED}`],
    ['more used', `${KEYS} used_units = used_units + 1 ${REVOKED}`],
    [
      'a revocation before what it opened',
      `${KEYS} revoked_at_ms = revoked_at_ms - 10000 ${REVOKED}`,
    ],
    [
      'a revocation after its validity',
      `${KEYS} revoked_at_ms = revoked_at_ms + 9000000 ${REVOKED}`,
    ],
    ['another validity of the revocation', `${KEYS} revocation_valid_until_ms = 4 ${REVOKED}`],
    [
      'a delegation after what it opened',
      `${KEYS} delegated_at_ms = delegated_at_ms + 10000 ${NOT_REVOKED}`,
    ],
    [
      'a revocation that nobody signed',
      `${KEYS} revoked_at_ms = delegated_at_ms,
      revocation_valid_until_ms = valid_until_ms, revocation_signature = signature ${NOT_REVOKED}`,
    ],
  ])('names the session key with %s', async (_what, change) => {
    expect(await changed(change)).toMatchObject({
      table: 'ledger.session_keys',
      key: expect.stringMatching(/^session key \d+$/),
    });
    expect(await difference()).toBeUndefined();
  });

  it('names a delegation whose channels have another key, or none', async () => {
    const set = 'update ledger.channels set session_key_no =';
    const where = 'where session_key_no is not null and claim_kind = 3';
    for (const no of ['null', 'session_key_no + 1']) {
      expect(await changed(`${set} ${no} ${where}`)).toMatchObject({
        table: 'ledger.session_keys',
      });
    }
    const [{ deposit } = { deposit: 0n }] = await owner.sql<{ deposit: bigint }[]>`
      select deposit_units as deposit from ledger.channels where claim_kind = 3`;
    // With the sums made to fit the claim itself gives it away, and so does a key that is nobody's.
    const fitted = `${set} null ${where}; ${KEYS} used_units = used_units - ${deposit} ${NOT_REVOKED}`;
    expect(await changed(fitted)).toMatchObject({
      table: 'ledger.channels',
      found: 'a bundle whose signature does not hold',
    });
    const stray = `${set} 4000 ${where}; ${KEYS} used_units = used_units - ${deposit} ${NOT_REVOKED}`;
    expect(await changed(stray)).toMatchObject({
      table: 'ledger.channels',
      found: 'session key 4000',
    });
    expect(await difference()).toBeUndefined();
  });

  it('names a delegation that was taken out, with the channels that rest on it', async () => {
    const gone = `delete from ledger.session_keys ${NOT_REVOKED}`;
    expect(await changed(gone)).toMatchObject({ table: 'ledger.channels' });
  });

  it('names a commitment that the session key has not signed', async () => {
    const change = `update ledger.tick_commitments set signature =
      set_byte(signature, 9, get_byte(signature, 9) # 1)`;
    expect(await changed(change)).toMatchObject({ table: 'ledger.tick_commitments' });
    await owner.sql.unsafe(change);
    expect(await difference()).toBeUndefined();
  });
});

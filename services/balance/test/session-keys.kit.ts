import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { type KeyPair, keyPairOf, sign } from '#libs/crypto';
import { freshDatabase, type TestDatabase } from '#libs/testing';
import { ledgerKit, value } from './ledger.kit.js';

export const CAP = 1_000n;
export const HOUR = 3_600_000n;

export const newKey = () => keyPairOf(randomBytes(32));

/** What is delegated, and who signs it when it is not the account. */
type Terms = {
  by?: KeyPair;
  signer?: KeyPair;
  capUnits?: bigint;
  expiresAtMs?: bigint;
  validUntilMs?: bigint;
};

/** A ledger with a payer who delegates, and a payee. */
export class SessionWorld {
  private constructor(
    private readonly server: TestDatabase,
    readonly kit: ReturnType<typeof ledgerKit>,
    readonly payer: KeyPair,
    readonly payee: KeyPair,
  ) {}

  static async start(): Promise<SessionWorld> {
    const server = await freshDatabase();
    const kit = ledgerKit(server.url);
    return new SessionWorld(server, kit, await kit.account(1_000_000n), await kit.account());
  }

  /** Ends it, after a look at whether the books balance and each key has used what it has locked. */
  async stop(): Promise<void> {
    const totals = await this.kit.use.totals.get();
    const astray = await this.kit.database.sql`
      select k.address from ledger.session_keys k
      left join ledger.channels c on c.session_key_no = k.session_key_no
      group by k.session_key_no having coalesce(sum(c.deposit_units), 0) <> k.used_units`;
    await this.kit.database.close();
    await this.server.drop();
    expect(totals.conserved).toBe(true);
    expect(astray).toHaveLength(0);
  }

  soon(): bigint {
    return this.kit.time.nowMs + HOUR;
  }

  delegation(key: KeyPair, terms: Terms = {}) {
    const { by = this.payer, signer = by, capUnits = CAP, expiresAtMs = this.soon() } = terms;
    const { validUntilMs = this.soon() } = terms;
    const signed = { account: by.address, key: key.address, capUnits, expiresAtMs, validUntilMs };
    const digest = this.kit.digests.delegateSessionKey(signed);
    const signature = Buffer.from(sign(digest, signer.privateKey));
    return { ...signed, publicKey: Buffer.from(key.publicKey), signature };
  }

  delegate(key: KeyPair, terms: Terms = {}) {
    return this.kit.use.sessionKeys.delegate(this.delegation(key, terms));
  }

  async delegated(terms: Terms = {}): Promise<KeyPair> {
    const key = newKey();
    value(await this.delegate(key, terms));
    return key;
  }

  revoke(key: { address: string }, { by = this.payer, validUntilMs = this.soon() } = {}) {
    const signed = { account: by.address, key: key.address, validUntilMs };
    const digest = this.kit.digests.revokeSessionKey(signed);
    const signature = Buffer.from(sign(digest, by.privateKey));
    return this.kit.use.sessionKeys.revoke({ ...signed, signature });
  }

  /** An opening for the payer that a session key signs; `change` comes after the signature. */
  opening(key: KeyPair, depositUnits: bigint, salt: Buffer = randomBytes(32), change = {}) {
    const terms = {
      ...{ payer: this.payer.address, payee: this.payee.address },
      ...{ depositUnits, salt, ticks: undefined, validUntilMs: this.soon() },
    };
    const signature = Buffer.from(sign(this.kit.digests.openChannel(terms), key.privateKey));
    return { ...terms, signature, signer: key.address, ...change };
  }

  open(key: KeyPair, depositUnits: bigint, salt?: Buffer, change = {}) {
    return this.kit.use.channels.open(this.opening(key, depositUnits, salt, change));
  }

  async used(key: KeyPair): Promise<bigint | undefined> {
    const found = await this.kit.repositories.sessionKeys.find(this.payer.address, key.address);
    return found?.usedUnits;
  }
}

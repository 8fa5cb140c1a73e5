import type {
  DelegateSessionKeyRequest,
  RevokeSessionKeyRequest,
  SessionKey,
} from '#libs/contracts';
import { parsePublicKey } from '#libs/crypto';
import type { Database, Transaction } from '#libs/database';
import {
  accept,
  addressOfPublicKey,
  checkValidity,
  type Delegation,
  type Digests,
  isAddress,
  LIMITS,
  type Result,
  refuse,
} from '#libs/domain';
import { delegationProblem, expiryProblem } from '../domain/session-key.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type {
  SessionKeyRepository,
  StoredSessionKey,
} from '../repositories/session-key.repository.js';
import type { Clock } from './clock.js';
import type { Signer, SignersService } from './signers.service.js';

/** What {@link SessionKeysService} needs. */
export type SessionKeysDependencies = {
  readonly database: Database;
  readonly books: BooksRepository;
  readonly sessionKeys: SessionKeyRepository;
  readonly signers: SignersService;
  readonly digests: Digests;
  readonly clock: Clock;
};

/** Lets accounts delegate session keys and revoke them; what such a key opens is in channels.service.ts. */
export class SessionKeysService {
  constructor(private readonly deps: SessionKeysDependencies) {}

  /**
   * Keeps a delegation. Account and key are its id: the same terms again return the key as it is now, also
   * when it is used up, expired or revoked, which nothing undoes.
   * MALFORMED, ACCOUNT_UNKNOWN, BAD_SIGNATURE, ID_REUSED, EXPIRED, LIMIT_EXCEEDED.
   */
  async delegate(request: DelegateSessionKeyRequest): Promise<Result<StoredSessionKey>> {
    const { account, capUnits, expiresAtMs, validUntilMs, signature } = request;
    if (!isAddress(account)) return refuse('MALFORMED', 'account is not a TRON address');
    if (validUntilMs <= 0n) return refuse('MALFORMED', 'valid_until_ms is missing');
    const publicKey = parsePublicKey(request.publicKey);
    if (publicKey === undefined) {
      return refuse('MALFORMED', 'public_key is not a secp256k1 point of 33 or 65 bytes');
    }
    const key = addressOfPublicKey(publicKey);
    const terms = { account, key, capUnits, expiresAtMs, validUntilMs };
    const malformed = delegationProblem(terms);
    if (malformed !== undefined) return malformed;
    const { signers, digests, sessionKeys, clock } = this.deps;
    const signer = await signers.require(account, digests.delegateSessionKey(terms), signature);
    if (!signer.ok) return signer;
    const before = await sessionKeys.find(account, key);
    if (before !== undefined) return repeat(before, terms);
    const nowMs = clock();
    const invalid = checkValidity(validUntilMs, nowMs) ?? expiryProblem(expiresAtMs, nowMs);
    if (invalid !== undefined) return invalid;
    return this.#insert(signer.value, terms, { publicKey, signature });
  }

  #insert(
    { accountNo }: Signer,
    terms: Delegation,
    proof: { publicKey: Uint8Array; signature: Uint8Array },
  ): Promise<Result<StoredSessionKey>> {
    const { database, books, sessionKeys, clock } = this.deps;
    return database.transaction(async (tx): Promise<Result<StoredSessionKey>> => {
      // Under the account's lock nobody else delegates for it: the count stays true.
      await books.lockHomes(tx, [accountNo]);
      const { account, key: address, ...rest } = terms;
      const before = await sessionKeys.find(account, address, tx);
      if (before !== undefined) return repeat(before, terms);
      const nowMs = clock();
      if ((await sessionKeys.countLive(tx, accountNo, nowMs)) >= LIMITS.sessionKeysMax) {
        const text = `an account has at most ${LIMITS.sessionKeysMax} session keys at a time; revoke one`;
        return refuse('LIMIT_EXCEEDED', text);
      }
      const delegated = { accountNo, address, ...rest, ...proof, delegatedAtMs: nowMs };
      await sessionKeys.insert(tx, delegated);
      return accept(await this.#stored(terms, tx));
    });
  }

  /**
   * Ends what a session key may open, for good; a repeat changes nothing. An opening that was committed
   * before stands, one that comes after is refused.
   * MALFORMED, ACCOUNT_UNKNOWN, BAD_SIGNATURE, KEY_NOT_DELEGATED, EXPIRED.
   */
  async revoke(request: RevokeSessionKeyRequest): Promise<Result<StoredSessionKey>> {
    const { account, key, validUntilMs, signature } = request;
    if (!isAddress(account)) return refuse('MALFORMED', 'account is not a TRON address');
    if (!isAddress(key)) return refuse('MALFORMED', 'key is not a TRON address');
    if (validUntilMs <= 0n) return refuse('MALFORMED', 'valid_until_ms is missing');
    const { database, signers, digests, sessionKeys, clock } = this.deps;
    const signer = await signers.require(account, digests.revokeSessionKey(request), signature);
    if (!signer.ok) return signer;
    const found = await sessionKeys.find(account, key);
    if (found === undefined) {
      return refuse('KEY_NOT_DELEGATED', `${account} has never delegated ${key}`);
    }
    if (found.revokedAtMs !== null) return accept(found);
    const invalid = checkValidity(validUntilMs, clock());
    if (invalid !== undefined) return invalid;
    return database.transaction(async (tx) => {
      // The time is read under the key's lock: what the key has opened, it has opened before.
      await sessionKeys.lock(tx, found.sessionKeyNo);
      await sessionKeys.revoke(tx, found.sessionKeyNo, { validUntilMs, signature }, clock());
      return accept(await this.#stored({ account, key }, tx));
    });
  }

  async #stored({ account, key }: Pick<Delegation, 'account' | 'key'>, tx: Transaction) {
    const stored = await this.deps.sessionKeys.find(account, key, tx);
    if (stored === undefined) throw new Error('a session key just written is not there');
    return stored;
  }
}

/** A session key as the API shows it. */
export function sessionKeyMessage(key: StoredSessionKey): SessionKey {
  return {
    account: key.account,
    key: key.address,
    capUnits: key.capUnits,
    usedUnits: key.usedUnits,
    expiresAtMs: key.expiresAtMs,
    delegatedAtMs: key.delegatedAtMs,
    revokedAtMs: key.revokedAtMs ?? 0n,
  };
}

function repeat(stored: StoredSessionKey, asked: Delegation): Result<StoredSessionKey> {
  return stored.capUnits === asked.capUnits && stored.expiresAtMs === asked.expiresAtMs
    ? accept(stored)
    : refuse('ID_REUSED', 'this key was delegated with other terms; make a new key');
}

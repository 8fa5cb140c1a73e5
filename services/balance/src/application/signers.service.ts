import type { Metadata } from '@grpc/grpc-js';
import { verify } from '#libs/crypto';
import { type Address, accept, type Digests, isAddress, type Result, refuse } from '#libs/domain';
import { readSession } from '#libs/grpc';
import type { Account, AccountRepository } from '../repositories/account.repository.js';
import type {
  SessionKeyRepository,
  StoredSessionKey,
} from '../repositories/session-key.repository.js';
import type { Clock } from './clock.js';

const SESSIONS_CACHED_MAX = 10_000;

/** An account whose key is known. */
export type Signer = Account & { readonly publicKey: Buffer };

/** Who opens a channel: the account that pays, and the session key that signs for it, if one does. */
export type Opener = {
  readonly accountNo: bigint;
  readonly signer: Address;
  readonly sessionKey: StoredSessionKey | undefined;
};

/** Tells who signed: requests by their signature, reads by their session. */
export class SignersService {
  // A session is signed once and used for many reads: verified texts are remembered, bounded.
  readonly #sessions = new Map<string, Signer>();

  constructor(
    private readonly accounts: AccountRepository,
    private readonly sessionKeys: SessionKeyRepository,
    private readonly digests: Digests,
    private readonly clock: Clock,
  ) {}

  /** The account, when it signed the digest. ACCOUNT_UNKNOWN without a registered key, BAD_SIGNATURE. */
  async require(
    address: Address,
    digest: Uint8Array,
    signature: Uint8Array,
  ): Promise<Result<Signer>> {
    if (!isAddress(address)) return refuse('MALFORMED', 'an address is not a TRON address');
    const account = await this.accounts.find(address);
    if (account === undefined || account.publicKey === null) {
      return refuse('ACCOUNT_UNKNOWN', `no public key is registered for ${address}`);
    }
    if (!verify(digest, signature, account.publicKey)) {
      return refuse('BAD_SIGNATURE', `the signature is not ${address}'s over this request`);
    }
    return accept({ ...account, publicKey: account.publicKey });
  }

  /**
   * The account that opens a channel, when its own key or a session key of it signed the digest; without
   * `signer` it is its own. Whether a session key may still open is for the opening to decide: a repeat
   * is answered also afterwards. MALFORMED, ACCOUNT_UNKNOWN, KEY_NOT_DELEGATED, BAD_SIGNATURE.
   */
  async requireOpener(
    { payer, signer }: { payer: Address; signer: Address },
    digest: Uint8Array,
    signature: Uint8Array,
  ): Promise<Result<Opener>> {
    if (signer === '' || signer === payer) {
      const own = await this.require(payer, digest, signature);
      if (!own.ok) return own;
      return accept({ accountNo: own.value.accountNo, signer: payer, sessionKey: undefined });
    }
    if (!isAddress(signer)) return refuse('MALFORMED', 'signer is not a TRON address');
    const sessionKey = await this.sessionKeys.find(payer, signer);
    if (sessionKey === undefined) {
      return refuse('KEY_NOT_DELEGATED', `${signer} is no session key of ${payer}`);
    }
    if (!verify(digest, signature, sessionKey.publicKey)) {
      return refuse('BAD_SIGNATURE', `the signature is not ${signer}'s over this request`);
    }
    return accept({ accountNo: sessionKey.accountNo, signer, sessionKey });
  }

  /** The account of a session trailer. UNAUTHENTICATED for anything wrong with it. */
  async session(metadata: Metadata): Promise<Result<Signer>> {
    const claim = readSession(metadata, this.clock());
    if (!claim.ok) return claim;
    const { account, validUntilMs, signature } = claim.value;
    const key = `${account}.${validUntilMs}.${Buffer.from(signature).toString('hex')}`;
    const known = this.#sessions.get(key);
    if (known !== undefined) return accept(known);
    const signer = await this.require(
      account,
      this.digests.session(account, validUntilMs),
      signature,
    );
    if (!signer.ok) return refuse('UNAUTHENTICATED', signer.detail);
    if (this.#sessions.size >= SESSIONS_CACHED_MAX) {
      const [oldest] = this.#sessions.keys();
      if (oldest !== undefined) this.#sessions.delete(oldest);
    }
    this.#sessions.set(key, signer.value);
    return signer;
  }
}

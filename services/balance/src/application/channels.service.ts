import type { ChannelView, CloseChannelRequest, OpenChannelRequest } from '#libs/contracts';
import { verify } from '#libs/crypto';
import type { Database, Transaction } from '#libs/database';
import {
  type Address,
  accept,
  type ChannelTerms,
  channelIdOf,
  checkValidity,
  type Digests,
  equalBytes,
  isAddress,
  isAmount,
  LIMITS,
  type Result,
  refuse,
  type Units,
} from '#libs/domain';
import { side } from '../domain/posting.js';
import { openingProblem } from '../domain/session-key.js';
import { checkTickTerms } from '../domain/tick-terms.js';
import type { AccountRepository } from '../repositories/account.repository.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { ChannelRepository, StoredChannel } from '../repositories/channel.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type { SessionKeyRepository } from '../repositories/session-key.repository.js';
import type { Clock } from './clock.js';
import { channelEvents, channelView } from './events.js';
import { Refused, refuseRolledBack } from './refused.js';
import type { Opener, SignersService } from './signers.service.js';

/** What the channel use cases need. */
export type ChannelsDependencies = {
  readonly database: Database;
  readonly accounts: AccountRepository;
  readonly books: BooksRepository;
  readonly channels: ChannelRepository;
  readonly outbox: OutboxRepository;
  readonly sessionKeys: SessionKeyRepository;
  readonly signers: SignersService;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly disputeWindowMs: bigint;
};

/** Opens and closes payment channels. */
export class ChannelsService {
  constructor(private readonly deps: ChannelsDependencies) {}

  /**
   * Locks a deposit. The same terms by the same signer again return the channel as it is now.
   * MALFORMED, LIMIT_EXCEEDED, ACCOUNT_UNKNOWN, KEY_NOT_DELEGATED, BAD_SIGNATURE, ID_REUSED, EXPIRED,
   * KEY_CAP_EXCEEDED, INSUFFICIENT_FUNDS.
   */
  async open(request: OpenChannelRequest): Promise<Result<StoredChannel>> {
    const terms = termsOf(request);
    if (!terms.ok) return terms;
    const { digests, signers, channels, clock } = this.deps;
    const digest = digests.openChannel(terms.value);
    const opener = await signers.requireOpener(request, digest, request.signature);
    if (!opener.ok) return opener;
    const { payer, payee, salt } = terms.value;
    const asked = {
      channelId: channelIdOf(payer, payee, salt),
      termsHash: digests.openChannel({ ...terms.value, validUntilMs: 0n }),
      opener: opener.value,
    };
    const before = await channels.find(asked.channelId);
    if (before !== undefined) return repeat(before, asked);
    const invalid = checkValidity(request.validUntilMs, clock());
    if (invalid !== undefined) return invalid;
    return this.#insert(terms.value, asked);
  }

  async #insert(terms: ChannelTerms, asked: Asked): Promise<Result<StoredChannel>> {
    const { database, accounts, books, channels, outbox, clock } = this.deps;
    const { channelId, termsHash, opener } = asked;
    const { depositUnits, ticks } = terms;
    return database
      .transaction(async (tx): Promise<Result<StoredChannel>> => {
        const nowMs = clock();
        const payeeNo = await accounts.ensure(tx, terms.payee, nowMs);
        await books.lockHomes(tx, [opener.accountNo]);
        // Under the payer's lock nobody else can open this channel: its id contains the payer.
        const before = await channels.lock(tx, channelId);
        if (before !== undefined) return repeat(before, asked);
        await this.#spendCap(tx, opener, depositUnits, nowMs);
        const available = await books.available(tx, opener.accountNo);
        if (available < depositUnits) {
          throw new Refused(refuse('INSUFFICIENT_FUNDS', `${available} units are available`));
        }
        const channel = await channels.insert(tx, {
          ...{ channelId, termsHash, payeeNo, depositUnits, ticks },
          payerNo: opener.accountNo,
          openedAtMs: nowMs,
          sessionKeyNo: opener.sessionKey?.sessionKeyNo,
        });
        await books.post(
          tx,
          [
            {
              kind: 'channel-open',
              debit: side('available', opener.accountNo),
              credit: side('channel', channel.channelNo),
              units: depositUnits,
              reference: channelId,
            },
          ],
          nowMs,
        );
        await outbox.add(tx, channelEvents(channel, nowMs));
        return accept(channel);
      })
      .catch(refuseRolledBack);
  }

  // Takes the deposit off the session key's cap, in the transaction that opens the channel.
  async #spendCap(tx: Transaction, opener: Opener, depositUnits: Units, nowMs: bigint) {
    const { sessionKeys } = this.deps;
    const { sessionKey } = opener;
    if (sessionKey === undefined) return;
    if (await sessionKeys.spend(tx, sessionKey.sessionKeyNo, depositUnits, nowMs)) return;
    const now = await sessionKeys.find(sessionKey.account, sessionKey.address, tx);
    const problem = now && openingProblem(now, depositUnits, nowMs);
    throw problem === undefined
      ? new Error('a session key changed under lock')
      : new Refused(problem);
  }

  /**
   * Begins the end of a channel: by the payee at once, by the payer or the session key that signs for it
   * after the dispute window. A repeat changes nothing; the payee may cut the payer's window short.
   * MALFORMED, CHANNEL_UNKNOWN, NOT_PERMITTED, ACCOUNT_UNKNOWN, BAD_SIGNATURE, EXPIRED.
   */
  async close(request: CloseChannelRequest): Promise<Result<StoredChannel>> {
    if (request.channelId.length !== 32)
      return refuse('MALFORMED', 'channel_id must have 32 bytes');
    if (request.validUntilMs <= 0n) return refuse('MALFORMED', 'valid_until_ms is missing');
    const { channels, digests, clock, database, outbox } = this.deps;
    const found = await channels.find(request.channelId);
    if (found === undefined) return refuse('CHANNEL_UNKNOWN', 'no channel has this id');
    const key = closersKey(found, request.closer);
    if (key === undefined) {
      return refuse(
        'NOT_PERMITTED',
        'only payer, payee or the signing session key close a channel',
      );
    }
    if (key === null) return refuse('ACCOUNT_UNKNOWN', "the closer's public key is not registered");
    const digest = digests.closeChannel(request.channelId, request.validUntilMs);
    if (!verify(digest, request.signature, key)) {
      return refuse('BAD_SIGNATURE', "the signature is not the closer's over this request");
    }
    const invalid = checkValidity(request.validUntilMs, clock());
    if (invalid !== undefined) return invalid;
    return database.transaction(async (tx): Promise<Result<StoredChannel>> => {
      const channel = await channels.lock(tx, request.channelId);
      if (channel === undefined) throw new Error('a channel disappeared');
      const nowMs = clock();
      const closesAtMs = this.#closesAt(channel, request.closer, nowMs);
      if (closesAtMs === undefined) return accept(channel);
      await channels.markClosing(tx, channel, closesAtMs);
      const closing = { ...channel, state: 2 as const, closesAtMs };
      await outbox.add(tx, channelEvents(closing, nowMs));
      return accept(closing);
    });
  }

  // The new end, or undefined when the request changes nothing.
  #closesAt(channel: StoredChannel, closer: string, nowMs: bigint): bigint | undefined {
    if (channel.state === 3) return undefined;
    const asked = closer === channel.payee ? nowMs : nowMs + this.deps.disputeWindowMs;
    if (channel.state === 1) return asked;
    return asked < (channel.closesAtMs ?? 0n) ? asked : undefined;
  }

  /** One channel. MALFORMED, CHANNEL_UNKNOWN. */
  async describe(channelId: Uint8Array): Promise<Result<StoredChannel>> {
    if (channelId.length !== 32) return refuse('MALFORMED', 'channel_id must have 32 bytes');
    const found = await this.deps.channels.find(channelId);
    return found === undefined
      ? refuse('CHANNEL_UNKNOWN', 'no channel has this id')
      : accept(found);
  }

  /**
   * What ingest needs to know of many channels, given by their ids one after another; unknown ones are
   * left out. MALFORMED, LIMIT_EXCEEDED.
   */
  async views(channelIds: Uint8Array): Promise<Result<ChannelView[]>> {
    const count = channelIds.length / CHANNEL_ID_BYTES;
    if (!Number.isInteger(count)) {
      return refuse('MALFORMED', 'channel_ids must be a multiple of 32 bytes');
    }
    if (count > LIMITS.handlesPerOpenMax) {
      return refuse(
        'LIMIT_EXCEEDED',
        `at most ${LIMITS.handlesPerOpenMax} channels are told at once`,
      );
    }
    const bytes = Buffer.from(channelIds);
    const ids = Array.from({ length: count }, (_, at) =>
      bytes.subarray(at * CHANNEL_ID_BYTES, (at + 1) * CHANNEL_ID_BYTES),
    );
    return accept((await this.deps.channels.findMany(ids)).map(channelView));
  }
}

const CHANNEL_ID_BYTES = 32;

/** A channel that is asked for: its id, what its terms hash to, and who opens it. */
type Asked = {
  readonly channelId: Uint8Array;
  readonly termsHash: Uint8Array;
  readonly opener: Opener;
};

// The signer is no part of the terms that are hashed, but payments are signed by it.
function repeat(stored: StoredChannel, { termsHash, opener }: Asked): Result<StoredChannel> {
  return equalBytes(stored.termsHash, termsHash) && stored.signer === opener.signer
    ? accept(stored)
    : refuse('ID_REUSED', 'this salt was used for a channel with other terms or another signer');
}

// The public key of whoever may close; undefined for others, null when it is not registered.
function closersKey(channel: StoredChannel, closer: Address): Buffer | null | undefined {
  if (closer === channel.payee) return channel.payeeKey;
  if (closer === channel.payer) return channel.payerKey;
  return closer === channel.signer ? channel.signerKey : undefined;
}

function termsOf(request: OpenChannelRequest): Result<ChannelTerms> {
  const { payer, payee, depositUnits, salt, validUntilMs } = request;
  if (!isAddress(payer)) return refuse('MALFORMED', 'payer is not a TRON address');
  if (!isAddress(payee)) return refuse('MALFORMED', 'payee is not a TRON address');
  if (payer === payee) return refuse('MALFORMED', 'payer and payee are the same account');
  if (!isAmount(depositUnits)) return refuse('MALFORMED', 'deposit_units must be above 0');
  if (salt.length !== 32) return refuse('MALFORMED', 'salt must have 32 bytes');
  if (validUntilMs <= 0n) return refuse('MALFORMED', 'valid_until_ms is missing');
  const ticks = request.ticks === undefined ? accept(undefined) : checkTickTerms(request.ticks);
  if (!ticks.ok) return ticks;
  // The base is not part of what is signed here.
  if (ticks.value !== undefined && ticks.value.baseUnits !== 0n) {
    return refuse('MALFORMED', 'base_units is 0 at the opening');
  }
  return accept({ payer, payee, depositUnits, salt, ticks: ticks.value, validUntilMs });
}

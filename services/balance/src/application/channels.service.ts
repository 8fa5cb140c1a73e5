import type { ChannelView, CloseChannelRequest, OpenChannelRequest } from '#libs/contracts';
import { verify } from '#libs/crypto';
import type { Database } from '#libs/database';
import {
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
} from '#libs/domain';
import { side } from '../domain/posting.js';
import { checkTickTerms } from '../domain/tick-terms.js';
import type { AccountRepository } from '../repositories/account.repository.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { ChannelRepository, StoredChannel } from '../repositories/channel.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type { Clock } from './clock.js';
import { channelEvents, channelView } from './events.js';
import type { Signer, SignersService } from './signers.service.js';
import { Insufficient, refuseInsufficient } from './transfers.service.js';

/** What the channel use cases need. */
export type ChannelsDependencies = {
  readonly database: Database;
  readonly accounts: AccountRepository;
  readonly books: BooksRepository;
  readonly channels: ChannelRepository;
  readonly outbox: OutboxRepository;
  readonly signers: SignersService;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly disputeWindowMs: bigint;
};

/** Opens and closes payment channels. */
export class ChannelsService {
  constructor(private readonly deps: ChannelsDependencies) {}

  /**
   * Locks a deposit. The same terms again return the channel as it is now.
   * MALFORMED, LIMIT_EXCEEDED, ACCOUNT_UNKNOWN, BAD_SIGNATURE, ID_REUSED, EXPIRED, INSUFFICIENT_FUNDS.
   */
  async open(request: OpenChannelRequest): Promise<Result<StoredChannel>> {
    const terms = termsOf(request);
    if (!terms.ok) return terms;
    const { digests, signers, channels, clock } = this.deps;
    const digest = digests.openChannel(terms.value);
    const signer = await signers.require(request.payer, digest, request.signature);
    if (!signer.ok) return signer;
    const { payer, payee, salt } = terms.value;
    const channelId = channelIdOf(payer, payee, salt);
    const termsHash = digests.openChannel({ ...terms.value, validUntilMs: 0n });
    const before = await channels.find(channelId);
    if (before !== undefined) return repeat(before, termsHash);
    const invalid = checkValidity(request.validUntilMs, clock());
    if (invalid !== undefined) return invalid;
    return this.#insert(signer.value, terms.value, { channelId, termsHash });
  }

  async #insert(
    payer: Signer,
    terms: ChannelTerms,
    ids: { channelId: Uint8Array; termsHash: Uint8Array },
  ): Promise<Result<StoredChannel>> {
    const { database, accounts, books, channels, outbox, clock } = this.deps;
    return database
      .transaction(async (tx): Promise<Result<StoredChannel>> => {
        const nowMs = clock();
        const payeeNo = await accounts.ensure(tx, terms.payee, nowMs);
        await books.lockHomes(tx, [payer.accountNo]);
        // Under the payer's lock nobody else can open this channel: its id contains the payer.
        const before = await channels.lock(tx, ids.channelId);
        if (before !== undefined) return repeat(before, ids.termsHash);
        const available = await books.available(tx, payer.accountNo);
        if (available < terms.depositUnits) throw new Insufficient(available);
        const channel = await channels.insert(tx, {
          ...ids,
          payerNo: payer.accountNo,
          payeeNo,
          depositUnits: terms.depositUnits,
          openedAtMs: nowMs,
          ticks: terms.ticks,
        });
        await books.post(
          tx,
          [
            {
              kind: 'channel-open',
              debit: side('available', payer.accountNo),
              credit: side('channel', channel.channelNo),
              units: terms.depositUnits,
              reference: ids.channelId,
            },
          ],
          nowMs,
        );
        await outbox.add(tx, channelEvents(channel, nowMs));
        return accept(channel);
      })
      .catch(refuseInsufficient);
  }

  /**
   * Begins the end of a channel: by the payee at once, by the payer after the dispute window. A
   * repeat changes nothing; the payee may cut the payer's window short.
   * MALFORMED, CHANNEL_UNKNOWN, NOT_PERMITTED, ACCOUNT_UNKNOWN, BAD_SIGNATURE, EXPIRED.
   */
  async close(request: CloseChannelRequest): Promise<Result<StoredChannel>> {
    if (request.channelId.length !== 32)
      return refuse('MALFORMED', 'channel_id must have 32 bytes');
    if (request.validUntilMs <= 0n) return refuse('MALFORMED', 'valid_until_ms is missing');
    const { channels, digests, clock, database, outbox } = this.deps;
    const found = await channels.find(request.channelId);
    if (found === undefined) return refuse('CHANNEL_UNKNOWN', 'no channel has this id');
    if (request.closer !== found.payer && request.closer !== found.payee) {
      return refuse('NOT_PERMITTED', 'only the payer or the payee closes a channel');
    }
    const key = request.closer === found.payer ? found.payerKey : found.payeeKey;
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

function repeat(stored: StoredChannel, termsHash: Uint8Array): Result<StoredChannel> {
  return equalBytes(stored.termsHash, termsHash)
    ? accept(stored)
    : refuse('ID_REUSED', 'this salt was used for a channel with other terms');
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

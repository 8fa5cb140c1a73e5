import type { CommitTicksRequest } from '#libs/contracts';
import { verify } from '#libs/crypto';
import type { Database, Transaction } from '#libs/database';
import {
  accept,
  checkValidity,
  type Digests,
  equalBytes,
  type Result,
  refuse,
  type TickCommitment,
} from '#libs/domain';
import { checkNextChain, checkTickTerms } from '../domain/tick-terms.js';
import type { ChannelRepository, StoredChannel } from '../repositories/channel.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type { TickCommitmentRepository } from '../repositories/tick-commitment.repository.js';
import type { Clock } from './clock.js';
import { channelEvents, tickCommitment } from './events.js';

/** What {@link CommitTicksService} needs. */
export type CommitTicksDependencies = {
  readonly database: Database;
  readonly channels: ChannelRepository;
  readonly commitments: TickCommitmentRepository;
  readonly outbox: OutboxRepository;
  readonly digests: Digests;
  readonly clock: Clock;
};

/** Gives an open channel a hash chain to pay by. */
export class CommitTicksService {
  constructor(private readonly deps: CommitTicksDependencies) {}

  /**
   * Takes the commitment of the channel's signer; from then on ticks count from its base. The same commitment again
   * returns the channel as it is now, also after its validity and after a later one.
   * MALFORMED, LIMIT_EXCEEDED, CHANNEL_UNKNOWN, ACCOUNT_UNKNOWN, BAD_SIGNATURE, ID_REUSED, EXPIRED,
   * CHANNEL_CLOSED, TICKS_LEFT, SUPERSEDED, ABOVE_DEPOSIT.
   */
  async commit(request: CommitTicksRequest): Promise<Result<StoredChannel>> {
    const { channelId, validUntilMs, signature } = request;
    if (channelId.length !== 32) return refuse('MALFORMED', 'channel_id must have 32 bytes');
    if (request.ticks === undefined) return refuse('MALFORMED', 'ticks are missing');
    if (validUntilMs <= 0n) return refuse('MALFORMED', 'valid_until_ms is missing');
    const terms = checkTickTerms(request.ticks);
    if (!terms.ok) return terms;
    const ticks = terms.value;
    const { channels, digests, database } = this.deps;
    const found = await channels.find(channelId);
    if (found === undefined) return refuse('CHANNEL_UNKNOWN', 'no channel has this id');
    const digest = digests.commitTicks({ channelId, ticks, validUntilMs });
    if (found.signerKey === null) {
      return refuse('ACCOUNT_UNKNOWN', "the signer's public key is not registered");
    }
    if (!verify(digest, signature, found.signerKey)) {
      return refuse('BAD_SIGNATURE', `the signature is not ${found.signer}'s over this request`);
    }
    return database.transaction(async (tx): Promise<Result<StoredChannel>> => {
      const channel = await channels.lock(tx, channelId);
      if (channel === undefined) throw new Error('a channel disappeared');
      const before = await this.#before(tx, channel, ticks.chainEnd);
      if (before !== undefined) return repeat(channel, before, ticks);
      return this.#replace(tx, channel, { ticks, proof: { validUntilMs, signature } });
    });
  }

  async #before(tx: Transaction, channel: StoredChannel, chainEnd: Uint8Array) {
    const present = tickCommitment(channel);
    if (present !== undefined && equalBytes(present.chainEnd, chainEnd)) return present;
    return this.deps.commitments.find(tx, channel, chainEnd);
  }

  async #replace(
    tx: Transaction,
    channel: StoredChannel,
    next: { ticks: TickCommitment; proof: { validUntilMs: bigint; signature: Uint8Array } },
  ): Promise<Result<StoredChannel>> {
    const { clock, commitments, channels, outbox } = this.deps;
    const nowMs = clock();
    const invalid = checkValidity(next.proof.validUntilMs, nowMs);
    if (invalid !== undefined) return invalid;
    if (channel.state !== 1) return refuse('CHANNEL_CLOSED', 'the channel is closing or closed');
    const present = tickCommitment(channel);
    const refusal = checkNextChain({ ...channel, ticks: present }, next.ticks);
    if (refusal !== undefined) return refusal;
    if (present !== undefined) {
      await commitments.keep(tx, channel, { ticks: present, proof: undefined }, nowMs);
    }
    await commitments.keep(tx, channel, next, nowMs);
    await commitments.replace(tx, channel, next.ticks);
    const replaced = await channels.lock(tx, channel.channelId);
    if (replaced === undefined) throw new Error('a channel disappeared');
    await outbox.add(tx, channelEvents(replaced, nowMs));
    return accept(replaced);
  }
}

function repeat(
  channel: StoredChannel,
  before: TickCommitment,
  asked: TickCommitment,
): Result<StoredChannel> {
  const same =
    before.baseUnits === asked.baseUnits &&
    before.tickValueUnits === asked.tickValueUnits &&
    before.ticksMax === asked.ticksMax;
  return same
    ? accept(channel)
    : refuse('ID_REUSED', 'this chain was committed with other terms on this channel');
}

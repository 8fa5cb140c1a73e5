import { type HoldRelease, MarketMatch, type Match, TOPICS } from '#libs/contracts';
import type { Database, Transaction } from '#libs/database';
import { isAddress, isAmount } from '#libs/domain';
import { type InRecord, StaleWriterError } from '#libs/kafka';
import type { Logger } from '#libs/observability';
import { side } from '../domain/posting.js';
import type { AccountRepository } from '../repositories/account.repository.js';
import type { BooksRepository } from '../repositories/books.repository.js';
import type { ChannelRepository } from '../repositories/channel.repository.js';
import type { HoldRepository } from '../repositories/hold.repository.js';
import type { LogRepository } from '../repositories/log.repository.js';
import type { OutboxRepository } from '../repositories/outbox.repository.js';
import type { Clock } from './clock.js';
import { channelEvents } from './events.js';

const TOPIC = TOPICS.marketMatches.name;

/** What applying matches needs. */
export type ApplyMatchesDependencies = {
  readonly database: Database;
  readonly accounts: AccountRepository;
  readonly books: BooksRepository;
  readonly channels: ChannelRepository;
  readonly holds: HoldRepository;
  readonly log: LogRepository;
  readonly outbox: OutboxRepository;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Opens the leases that auctions made, from the holds of the bids, and gives back what was not won. */
export class ApplyMatchesService {
  constructor(private readonly deps: ApplyMatchesDependencies) {}

  nextOffset(part: number): Promise<bigint> {
    return this.deps.log.nextOffset(TOPIC, part);
  }

  /**
   * Applies records of one partition, each in a transaction with its offset, once each. Returns how many
   * could not be booked and are in quarantine.
   */
  async apply(part: number, records: readonly InRecord[]): Promise<number> {
    let quarantined = 0;
    for (const record of records) {
      const problem = await this.deps.database.transaction(async (tx) => {
        const offsets = { expected: record.offset, next: record.offset + 1n };
        if (!(await this.deps.log.advance(tx, TOPIC, part, offsets))) {
          throw new StaleWriterError(`matches partition ${part} was applied elsewhere`);
        }
        const found = await this.#applyOne(tx, record);
        if (found !== undefined) await this.#quarantine(tx, part, record, found);
        return found;
      });
      if (problem !== undefined) quarantined += 1;
    }
    return quarantined;
  }

  // Returns why the record cannot be booked, which nothing may hide.
  async #applyOne(tx: Transaction, record: InRecord): Promise<string | undefined> {
    const event = decode(record.value);
    switch (event?.$case) {
      case 'match':
        return this.#openLease(tx, event.value);
      case 'release':
        return this.#release(tx, event.value);
      case undefined:
        return 'the record is not a market match';
    }
  }

  async #openLease(tx: Transaction, match: Match): Promise<string | undefined> {
    const { accounts, books, channels, holds, outbox, clock } = this.deps;
    if (match.channelId.length !== 32 || !isAddress(match.provider)) return 'a field is malformed';
    if (!isAmount(match.depositUnits)) return 'the deposit is not an amount';
    const hold = await holds.lock(tx, match.bidId);
    if (hold === undefined) return 'the bid has no hold';
    const before = await channels.lock(tx, match.channelId);
    if (before !== undefined) {
      const same = before.matchId?.equals(match.matchId);
      return same ? undefined : 'the channel id is taken';
    }
    if (hold.units < match.depositUnits) return 'the hold does not cover the lease';
    const nowMs = clock();
    const payeeNo = await accounts.ensure(tx, match.provider, nowMs);
    if (payeeNo === hold.accountNo) return 'provider and requester are the same account';
    await holds.take(tx, hold.holdNo, match.depositUnits, hold.released);
    const channel = await channels.insert(tx, {
      channelId: match.channelId,
      termsHash: match.matchId,
      payerNo: hold.accountNo,
      payeeNo,
      depositUnits: match.depositUnits,
      openedAtMs: nowMs,
      matchId: match.matchId,
    });
    await books.post(
      tx,
      [
        {
          kind: 'lease',
          debit: side('hold', hold.holdNo),
          credit: side('channel', channel.channelNo),
          units: match.depositUnits,
          reference: match.channelId,
        },
      ],
      nowMs,
    );
    await outbox.add(tx, channelEvents(channel, nowMs));
    return undefined;
  }

  async #release(tx: Transaction, release: HoldRelease): Promise<string | undefined> {
    const { books, holds, clock } = this.deps;
    const hold = await holds.lock(tx, release.bidId);
    // A bid that was given up before its budget could be held has nothing to give back.
    if (hold === undefined) return undefined;
    await holds.take(tx, hold.holdNo, hold.units, true);
    if (hold.units === 0n) return undefined;
    await books.post(
      tx,
      [
        {
          kind: 'release',
          debit: side('hold', hold.holdNo),
          credit: side('available', hold.accountNo),
          units: hold.units,
          reference: release.bidId,
        },
      ],
      clock(),
    );
    return undefined;
  }

  async #quarantine(tx: Transaction, part: number, record: InRecord, reason: string) {
    this.deps.logger.error({ part, offset: record.offset, reason }, 'a match is quarantined');
    await this.deps.log.quarantine(tx, {
      topic: TOPIC,
      part,
      offset: record.offset,
      line: 0,
      reason,
      content: record.value ?? Buffer.alloc(0),
      atMs: this.deps.clock(),
    });
  }
}

function decode(value: Buffer | null): MarketMatch['event'] {
  if (value === null) return undefined;
  try {
    return MarketMatch.decode(value).event;
  } catch {
    return undefined;
  }
}

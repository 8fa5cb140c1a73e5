import type { Metadata } from '@grpc/grpc-js';
import type { Balances, HistoryEntry, PageRequest, RegisterAccountRequest } from '#libs/contracts';
import { parsePublicKey, verify } from '#libs/crypto';
import {
  type Address,
  accept,
  addressOfPublicKey,
  type Digests,
  type Result,
  refuse,
  toHex,
} from '#libs/domain';
import { encodeCursor, parsePage } from '../domain/cursor.js';
import { postingKindOf } from '../domain/posting.js';
import type { AccountRepository } from '../repositories/account.repository.js';
import type { ChannelRepository, StoredChannel } from '../repositories/channel.repository.js';
import type {
  SessionKeyRepository,
  StoredSessionKey,
} from '../repositories/session-key.repository.js';
import type { AccountBalances, StatementRepository } from '../repositories/statement.repository.js';
import type {
  StoredWithdrawal,
  WithdrawalRepository,
} from '../repositories/withdrawal.repository.js';
import type { Clock } from './clock.js';
import type { SignersService } from './signers.service.js';

/** A page of something. */
export type PageOf<T> = { readonly items: readonly T[]; readonly nextCursor: string };

/** What the reads of accounts need. */
export type StatementsDependencies = {
  readonly accounts: AccountRepository;
  readonly channels: ChannelRepository;
  readonly sessionKeys: SessionKeyRepository;
  readonly statements: StatementRepository;
  readonly withdrawals: WithdrawalRepository;
  readonly signers: SignersService;
  readonly digests: Digests;
  readonly clock: Clock;
};

/** Accounts as their owners see them. Every list refuses BAD_CURSOR and LIMIT_EXCEEDED. */
export class StatementsService {
  constructor(private readonly deps: StatementsDependencies) {}

  /** Stores an account's public key. MALFORMED, BAD_SIGNATURE. */
  async register(request: RegisterAccountRequest): Promise<Result<Address>> {
    const publicKey = parsePublicKey(request.publicKey);
    if (publicKey === undefined) {
      return refuse('MALFORMED', 'public_key is not a secp256k1 point of 33 or 65 bytes');
    }
    const address = addressOfPublicKey(publicKey);
    if (!verify(this.deps.digests.register(address), request.signature, publicKey)) {
      return refuse('BAD_SIGNATURE', 'the signature is not by the public key');
    }
    await this.deps.accounts.register(address, publicKey, this.deps.clock());
    return accept(address);
  }

  /** The caller's balances. UNAUTHENTICATED. */
  async balances(metadata: Metadata): Promise<Result<Balances>> {
    const signer = await this.deps.signers.session(metadata);
    if (!signer.ok) return signer;
    const [row] = await this.deps.statements.balances([signer.value.accountNo]);
    if (row === undefined) throw new Error('an account has no balances');
    return accept(balancesMessage(signer.value.address, row));
  }

  /** The caller's postings, newest first. */
  async history(
    metadata: Metadata,
    request: PageRequest | undefined,
  ): Promise<Result<PageOf<HistoryEntry>>> {
    const signer = await this.deps.signers.session(metadata);
    if (!signer.ok) return signer;
    const page = parsePage(request, ['bigint', 'smallint', 'bigint', 'integer']);
    if (!page.ok) return page;
    const { after, limit } = page.value;
    const lines = await this.deps.statements.history(signer.value.accountNo, after, limit + 1);
    const last = lines.length > limit ? lines[limit - 1] : undefined;
    return accept({
      items: lines.slice(0, limit).map((line) => ({
        kind: postingKindOf(line.kind),
        amountUnits: line.units,
        atMs: line.atMs,
        reference: line.reference === null ? '' : toHex(line.reference),
      })),
      nextCursor:
        last === undefined
          ? ''
          : encodeCursor([last.atMs, BigInt(last.part), last.entryNo, BigInt(last.line)]),
    });
  }

  /** The caller's channels, newest first. */
  listChannels(metadata: Metadata, request: PageRequest | undefined) {
    return this.#list<StoredChannel>(
      metadata,
      request,
      (accountNo, before, limit) => this.deps.channels.list(accountNo, before, limit),
      (channel) => channel.channelNo,
    );
  }

  /** The caller's session keys, newest first. */
  listSessionKeys(metadata: Metadata, request: PageRequest | undefined) {
    return this.#list<StoredSessionKey>(
      metadata,
      request,
      (accountNo, before, limit) => this.deps.sessionKeys.list(accountNo, before, limit),
      (key) => key.sessionKeyNo,
    );
  }

  /** The caller's withdrawals, newest first. */
  listWithdrawals(metadata: Metadata, request: PageRequest | undefined) {
    return this.#list<StoredWithdrawal>(
      metadata,
      request,
      (accountNo, before, limit) => this.deps.withdrawals.list(accountNo, before, limit),
      (withdrawal) => withdrawal.withdrawalNo,
    );
  }

  /** One of the caller's withdrawals. WITHDRAWAL_UNKNOWN, also for somebody else's. */
  async withdrawal(
    metadata: Metadata,
    withdrawalId: Uint8Array,
  ): Promise<Result<StoredWithdrawal>> {
    const signer = await this.deps.signers.session(metadata);
    if (!signer.ok) return signer;
    const found = await this.deps.withdrawals.find(withdrawalId);
    return found === undefined || found.accountNo !== signer.value.accountNo
      ? refuse('WITHDRAWAL_UNKNOWN', 'this account has no withdrawal with this id')
      : accept(found);
  }

  async #list<T>(
    metadata: Metadata,
    request: PageRequest | undefined,
    read: (accountNo: bigint, before: bigint | undefined, limit: number) => Promise<T[]>,
    numberOf: (item: T) => bigint,
  ): Promise<Result<PageOf<T>>> {
    const signer = await this.deps.signers.session(metadata);
    if (!signer.ok) return signer;
    const page = parsePage(request, ['bigint']);
    if (!page.ok) return page;
    const { after, limit } = page.value;
    const rows = await read(signer.value.accountNo, after[0], limit + 1);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    const more = rows.length > limit && last !== undefined;
    return accept({ items, nextCursor: more ? encodeCursor([numberOf(last)]) : '' });
  }
}

/** Balances as the API shows them. */
export function balancesMessage(address: Address, row: AccountBalances): Balances {
  return {
    address,
    availableUnits: row.available,
    heldUnits: row.held,
    inChannelsUnits: row.inChannels,
    withdrawingUnits: row.withdrawing,
  };
}

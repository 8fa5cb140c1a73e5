import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { credentials, Metadata } from '@grpc/grpc-js';
import { homePartition, type LedgerClient, PayingChannel, TickChain, Wallet } from '#libs/client';
import { Asset, BooksServiceClient, type CreditDepositRequest } from '#libs/contracts';
import { channelIdOf, partitionOf } from '#libs/domain';
import type { ListedChannel, LoadOrder } from './order.js';

const PAYERS = 6;
const PAYEES = 5;
const CHANNELS = { voucher: 8, tick: 3, bundle: 8 } as const;
const DEPOSIT_UNITS = 1_000_000_000n;
const TICK_VALUE_UNITS = 3n;
/** Short, so that new chains are committed in the middle of the crashes. */
const TICKS_PER_CHAIN = 500;
const OPENING_AT_ONCE = 12;

/** A channel and the hand that pays on it. */
export type PaidChannel = {
  readonly no: number;
  readonly kind: ListedChannel['kind'];
  readonly wallet: Wallet;
  readonly paying: PayingChannel;
  /** True while a new chain of ticks is being committed. */
  isBusy: boolean;
  /** Batches with payments of this channel that have no answer. */
  inFlight: number;
};

/** 32 bytes that follow from the seed and some words. */
export function derive(order: LoadOrder, ...words: readonly (string | number)[]): Buffer {
  return createHash('sha256')
    .update([order.seed, ...words].join('/'))
    .digest();
}

/** The chain of ticks that a channel pays by after so many others. */
export function chainOf(
  order: LoadOrder,
  channel: string,
  generation: number,
  baseUnits = 0n,
): TickChain {
  const seed = derive(order, 'chain', channel, generation);
  return new TickChain(seed, TICK_VALUE_UNITS, TICKS_PER_CHAIN, baseUnits);
}

/** Registers payers and payees, credits deposits, and opens all channels. */
export async function openChannels(ledger: LedgerClient, order: LoadOrder): Promise<PaidChannel[]> {
  const { domain } = ledger.network;
  const wallet = (name: string, no: number) => new Wallet(derive(order, name, no), domain);
  const payers = Array.from({ length: PAYERS }, (_, no) => wallet('payer', no));
  const payees = Array.from({ length: PAYEES }, (_, no) => wallet('payee', no));
  for (const each of [...payers, ...payees]) await ledger.account(each).register();
  await credit(order, payers);
  const wanted = payers.flatMap((payer, payerNo) =>
    Object.entries(CHANNELS).flatMap(([kind, count]) =>
      Array.from({ length: count }, (_, no) => {
        const name = `${payerNo}/${kind}/${no}`;
        const payee = payees[(payerNo + no) % PAYEES] ?? payer;
        return { name, payer, payee, kind: kind as ListedChannel['kind'] };
      }),
    ),
  );
  const opened: PaidChannel[] = [];
  for (let at = 0; at < wanted.length; at += OPENING_AT_ONCE) {
    const some = wanted.slice(at, at + OPENING_AT_ONCE).map(async (each, place) => {
      const { name, payer, payee, kind } = each;
      const salt = saltOf(order, each, ledger.network.partitions);
      const chain = kind === 'tick' ? chainOf(order, name, 0) : undefined;
      const terms = { payee: payee.address, depositUnits: DEPOSIT_UNITS, salt };
      const ticks = chain && {
        chainEnd: chain.commitment.chainEnd,
        tickValueUnits: chain.commitment.tickValueUnits,
        ticksMax: chain.commitment.ticksMax,
      };
      const { channelId } = await ledger.account(payer).openChannel({ ...terms, ticks });
      const paying = new PayingChannel(payer, { ...terms, channelId, chain });
      return { no: at + place, kind, wallet: payer, paying, isBusy: false, inFlight: 0 };
    });
    opened.push(...(await Promise.all(some)));
  }
  return opened;
}

type Wanted = {
  readonly name: string;
  readonly payer: Wallet;
  readonly payee: Wallet;
  readonly kind: ListedChannel['kind'];
};

// Channels of bundles lie in their payer's home partition, the others anywhere.
function saltOf(order: LoadOrder, { name, payer, payee, kind }: Wanted, partitions: number) {
  const home = homePartition(payer.address, partitions);
  for (let attempt = 0; ; attempt++) {
    const salt = derive(order, 'salt', name, attempt);
    const id = channelIdOf(payer.address, payee.address, salt);
    if (kind !== 'bundle' || partitionOf(id, partitions) === home) return salt;
  }
}

async function credit(order: LoadOrder, payers: readonly Wallet[]): Promise<void> {
  const books = new BooksServiceClient(order.booksGrpc, credentials.createInsecure());
  const metadata = new Metadata();
  const token = readFileSync(order.internalTokenFile, 'utf8').trim();
  metadata.set('swarmledger-internal-token', token);
  const call = (request: CreditDepositRequest) =>
    new Promise<void>((resolve, reject) => {
      books.creditDeposit(request, metadata, (error) => (error ? reject(error) : resolve()));
    });
  try {
    const perPayer = Object.values(CHANNELS).reduce((sum, count) => sum + count, 0);
    for (const [no, { address }] of payers.entries()) {
      await call({
        txid: derive(order, 'deposit', no),
        index: 0,
        asset: Asset.TRC10_BTTOLD,
        account: address,
        amountUnits: DEPOSIT_UNITS * BigInt(perPayer),
        baseUnits: (DEPOSIT_UNITS * BigInt(perPayer)).toString(),
        blockNumber: 1n,
        suspense: false,
      });
    }
  } finally {
    books.close();
  }
}

import type { Units } from '#libs/domain';
import type { Corpus } from './corpus.js';

/** What one channel was promised and what the ledger says. */
export type ChannelBalance = {
  readonly channelId: string;
  /** Highest amount acknowledged to the sender. */
  readonly ackedUnits: Units;
  /** Highest good amount sent, acknowledged or not. */
  readonly sentUnits: Units;
};

/** The sender's log, read against the corpus. */
export type AckLog = {
  readonly channels: ReadonlyMap<string, ChannelBalance>;
  readonly answered: number;
  readonly ackedVouchers: number;
  /** Lines that report a failed request, a wrong answer or one that puts off, the first few. */
  readonly complaints: readonly string[];
};

const COMPLAINTS_MAX = 10;

/** Reads the lines that the k6 script writes. Throws on a line about a request that was never in the corpus. */
export function readAckLog(text: string, corpus: Corpus): AckLog {
  const acked = new Map<string, Units>();
  const complaints: string[] = [];
  const answered = new Set<number>();
  let ackedVouchers = 0;
  for (const line of text.split('\n')) {
    if (/^(FAILED|WRONG|NOTNOW) /.test(line) && complaints.length < COMPLAINTS_MAX)
      complaints.push(line);
    const ack = /^ACK (\d+) ([\d,]*)$/.exec(line);
    if (ack === null) continue;
    const index = Number(ack[1]);
    const request = corpus.requests[index];
    if (request === undefined || answered.has(index)) {
      throw new Error(`the ack log has a request ${index} that was not sent, or has it twice`);
    }
    answered.add(index);
    const refused = new Set((ack[2] ?? '').split(',').filter(Boolean).map(Number));
    for (const [position, { channelId, cumulativeUnits }] of request.vouchers.entries()) {
      if (refused.has(position)) continue;
      ackedVouchers++;
      raise(acked, channelId, BigInt(cumulativeUnits));
    }
  }
  return { channels: balances(corpus, acked), answered: answered.size, ackedVouchers, complaints };
}

function balances(corpus: Corpus, acked: ReadonlyMap<string, Units>): Map<string, ChannelBalance> {
  const sent = new Map<string, Units>();
  for (const { vouchers, expected } of corpus.requests) {
    for (const [position, { channelId, cumulativeUnits }] of vouchers.entries()) {
      if (expected[position] === '') raise(sent, channelId, BigInt(cumulativeUnits));
    }
  }
  return new Map(
    [...sent].map(([channelId, sentUnits]) => [
      channelId,
      { channelId, sentUnits, ackedUnits: acked.get(channelId) ?? 0n },
    ]),
  );
}

function raise(amounts: Map<string, Units>, channelId: string, units: Units): void {
  if (units > (amounts.get(channelId) ?? 0n)) amounts.set(channelId, units);
}

/** What the comparison with the ledger found. */
export type Reconciliation = {
  /** Channels that owe less than was acknowledged: lost money. */
  readonly lost: readonly string[];
  /** Channels that owe more than anyone signed: invented money. */
  readonly invented: readonly string[];
  readonly ackedUnits: Units;
  readonly ledgerUnits: Units;
};

/** Compares what was acknowledged with what the ledger's channels owe, by base64 channel id. */
export function reconcile(
  channels: ReadonlyMap<string, ChannelBalance>,
  ledger: ReadonlyMap<string, Units>,
): Reconciliation {
  const lost: string[] = [];
  const invented: string[] = [];
  let ackedTotal = 0n;
  let ledgerTotal = 0n;
  for (const { channelId, ackedUnits, sentUnits } of channels.values()) {
    const owedUnits = ledger.get(channelId) ?? 0n;
    ackedTotal += ackedUnits;
    ledgerTotal += owedUnits;
    if (owedUnits < ackedUnits)
      lost.push(`${channelId} owes ${owedUnits}, acknowledged ${ackedUnits}`);
    if (owedUnits > sentUnits) invented.push(`${channelId} owes ${owedUnits}, sent ${sentUnits}`);
  }
  return { lost, invented, ackedUnits: ackedTotal, ledgerUnits: ledgerTotal };
}

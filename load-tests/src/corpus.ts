import type { Reason, Units } from '#libs/domain';

/** One voucher as k6 sends it: protobuf's JSON form, 64-bit integers as text and bytes as base64. */
export type CorpusVoucher = {
  readonly channelId: string;
  readonly payee: string;
  readonly cumulativeUnits: string;
  readonly validUntilMs: string;
  readonly signature: string;
};

/** One request: vouchers, and for each the reason it must be refused for, or '' when it is good. */
export type CorpusRequest = {
  readonly vouchers: readonly CorpusVoucher[];
  readonly expected: readonly (Reason | '')[];
};

/** Everything that one run sends, in the order it is sent. */
export type Corpus = { readonly format: 1; readonly requests: readonly CorpusRequest[] };

/** A channel to pay on, and how to sign for it. */
export type PayableChannel = {
  readonly channelId: Uint8Array;
  readonly payee: string;
  readonly depositUnits: Units;
  sign(claim: {
    channelId: Uint8Array;
    payee: string;
    cumulativeUnits: Units;
    validUntilMs: bigint;
  }): Uint8Array;
};

/** How much to sign. */
export type CorpusSize = {
  readonly requests: number;
  readonly batchItems: number;
  readonly badPercent: number;
  readonly validUntilMs: bigint;
};

/** What a channel pays with each voucher more. */
export const STEP_UNITS = 1n;

/** Deposit that lets each channel pay all its vouchers of a corpus. */
export function depositFor(
  size: Pick<CorpusSize, 'requests' | 'batchItems'>,
  channels: number,
): Units {
  return BigInt(Math.ceil((size.requests * size.batchItems) / channels) + 1) * STEP_UNITS;
}

/** The kinds of bad vouchers, used in turn. */
const BAD_KINDS = ['BAD_SIGNATURE', 'ABOVE_DEPOSIT', 'EXPIRED', 'CHANNEL_UNKNOWN'] as const;

/**
 * Signs a corpus. The channels take turns, so two vouchers of a channel are as far apart as can be; each pays one step
 * more than the one before. Bad vouchers are spread evenly and take no turn, so good ones stay without gaps.
 */
export function signCorpus(channels: readonly PayableChannel[], size: CorpusSize): Corpus {
  const paidUnits = channels.map(() => 0n);
  const badEvery = size.badPercent === 0 ? Infinity : Math.round(100 / size.badPercent);
  let turn = 0;
  let sent = 0;
  let badSent = 0;
  const requests = Array.from({ length: size.requests }, () => {
    const vouchers: CorpusVoucher[] = [];
    const expected: (Reason | '')[] = [];
    for (let item = 0; item < size.batchItems; item++) {
      const at = turn % channels.length;
      const channel = channels[at];
      const paid = paidUnits[at];
      if (channel === undefined || paid === undefined) throw new Error('a corpus needs a channel');
      const cumulativeUnits = paid + STEP_UNITS;
      sent++;
      if (sent % badEvery === 0) {
        const kind = BAD_KINDS[badSent++ % BAD_KINDS.length] ?? 'BAD_SIGNATURE';
        vouchers.push(badVoucher(channel, cumulativeUnits, size.validUntilMs, kind));
        expected.push(kind);
        continue;
      }
      vouchers.push(goodVoucher(channel, cumulativeUnits, size.validUntilMs));
      expected.push('');
      paidUnits[at] = cumulativeUnits;
      turn++;
    }
    return { vouchers, expected };
  });
  return { format: 1, requests };
}

function goodVoucher(
  channel: PayableChannel,
  cumulativeUnits: Units,
  validUntilMs: bigint,
): CorpusVoucher {
  const { channelId, payee } = channel;
  const claim = { channelId, payee, cumulativeUnits, validUntilMs };
  return {
    channelId: base64(channelId),
    payee,
    cumulativeUnits: String(cumulativeUnits),
    validUntilMs: String(validUntilMs),
    signature: base64(channel.sign(claim)),
  };
}

function badVoucher(
  channel: PayableChannel,
  cumulativeUnits: Units,
  validUntilMs: bigint,
  kind: (typeof BAD_KINDS)[number],
): CorpusVoucher {
  switch (kind) {
    case 'BAD_SIGNATURE': {
      // Far above all others, so that it is neither superseded nor answered by a good voucher; signed for another amount.
      const voucher = goodVoucher(channel, cumulativeUnits, validUntilMs);
      return { ...voucher, cumulativeUnits: String(channel.depositUnits) };
    }
    case 'ABOVE_DEPOSIT':
      return goodVoucher(channel, channel.depositUnits + 1n, validUntilMs);
    case 'EXPIRED':
      return goodVoucher(channel, cumulativeUnits, 1n);
    case 'CHANNEL_UNKNOWN': {
      const channelId = channel.channelId.map((byte) => byte ^ 0xff);
      return {
        ...goodVoucher(channel, cumulativeUnits, validUntilMs),
        channelId: base64(channelId),
      };
    }
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

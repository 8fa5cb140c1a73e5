import { LOG_BUNDLE, LOG_CLAIM, LOG_KINDS } from '#libs/contracts';
import { toHex, type Units } from '#libs/domain';

/** What stands behind a channel's cumulative amount, as stored in `claim_kind`. */
export const CLAIM_KINDS = { voucher: 1, tick: 2, bundle: 3 } as const;

/** A bundle as it is kept while a channel's claim rests on it. */
export type KeptBundle = {
  readonly bundleNo: bigint;
  readonly validUntilMs: bigint;
  readonly signature: Buffer;
  /** Channel number and cumulative units of every entry, refused ones too: 16 bytes each. */
  readonly entries: Buffer;
};

/** One claim of the voucher log: the channel owes at least so much. */
export type Claim = {
  readonly kind: (typeof CLAIM_KINDS)[keyof typeof CLAIM_KINDS];
  readonly channelNo: bigint;
  readonly cumulativeUnits: Units;
  /** Validity of a voucher, index of a tick, number of a bundle. */
  readonly detail: bigint;
  /** Signature, preimage, or null: a bundle is kept by itself. */
  readonly proof: Buffer | null;
  readonly bundle?: KeptBundle;
  /** Where it stands: offset of the record and place of its block. */
  readonly offset: bigint;
  readonly line: number;
};

/** More than a record has blocks, and more than a flush has records. */
const BLOCKS_PER_RECORD = 2n ** 16n;
const RECORDS_PER_FLUSH = 2n ** 12n;

/**
 * Number of the first block of a record, as bundles are numbered within their part. It rests on the number
 * of the flush, which never comes again, and not on the offset, which does when a log begins anew.
 * Throws a RangeError when a flush has more than 4 096 records.
 */
export function firstBundleNo(flushNo: bigint, recordInFlush: number): bigint {
  if (BigInt(recordInFlush) >= RECORDS_PER_FLUSH) {
    throw new RangeError(`a flush has at most ${RECORDS_PER_FLUSH} records`);
  }
  return (flushNo * RECORDS_PER_FLUSH + BigInt(recordInFlush)) * BLOCKS_PER_RECORD;
}

/** Where a block stands in the log. */
export type BlockPlace = {
  readonly record: Buffer;
  readonly offset: bigint;
  readonly at: number;
  readonly line: number;
  /** See {@link firstBundleNo}. */
  readonly bundleBase: bigint;
};

/** The voucher or tick that stands there. */
export function readClaim({ record, offset, at, line }: BlockPlace): Claim {
  const isTick = record[at] === LOG_KINDS.tick;
  const proof = at + LOG_CLAIM.proof;
  return {
    kind: isTick ? CLAIM_KINDS.tick : CLAIM_KINDS.voucher,
    channelNo: record.readBigInt64BE(at + LOG_CLAIM.channelNo),
    cumulativeUnits: record.readBigInt64BE(at + LOG_CLAIM.cumulativeUnits),
    detail: record.readBigInt64BE(at + LOG_CLAIM.detail),
    proof: record.subarray(proof, proof + (isTick ? 32 : 64)),
    offset,
    line,
  };
}

/** The bundle that stands there. */
export function readBundle({ record, at, line, bundleBase }: BlockPlace): KeptBundle {
  const count = record.readUInt16BE(at + LOG_BUNDLE.count);
  const signature = at + LOG_BUNDLE.signature;
  const entries = at + LOG_BUNDLE.bytes;
  return {
    bundleNo: bundleBase + BigInt(line),
    validUntilMs: record.readBigInt64BE(at + LOG_BUNDLE.validUntilMs),
    signature: record.subarray(signature, signature + 64),
    entries: record.subarray(entries, entries + count * LOG_BUNDLE.entry.bytes),
  };
}

/** The claims of those entries of a bundle that were accepted: all, or that of one entry. */
export function readBundleClaims(place: BlockPlace, only?: number): Claim[] {
  const { record, at, offset, line } = place;
  const bundle = readBundle(place);
  const count = bundle.entries.length / LOG_BUNDLE.entry.bytes;
  const claims: Claim[] = [];
  for (let index = 0; index < count; index++) {
    if (!isAccepted(record, at, index) || (only !== undefined && only !== index)) continue;
    const entry = index * LOG_BUNDLE.entry.bytes;
    claims.push({
      kind: CLAIM_KINDS.bundle,
      channelNo: bundle.entries.readBigInt64BE(entry),
      cumulativeUnits: bundle.entries.readBigInt64BE(entry + LOG_BUNDLE.entry.cumulativeUnits),
      detail: bundle.bundleNo,
      proof: null,
      bundle,
      offset,
      line,
    });
  }
  return claims;
}

/** Whether entry `index` of the bundle that begins at `at` was accepted. */
export function isAccepted(record: Buffer, at: number, index: number): boolean {
  const count = record.readUInt16BE(at + LOG_BUNDLE.count);
  const bitmap = at + LOG_BUNDLE.bytes + count * LOG_BUNDLE.entry.bytes;
  return (((record[bitmap + (index >> 3)] ?? 0) >> (index & 7)) & 1) === 1;
}

/** A claim in words, for the quarantine: all that is needed to check it, nothing that numbers hand out here. */
export function describeClaim(claim: Claim): string {
  const [kind] = Object.entries(CLAIM_KINDS).find(([, number]) => number === claim.kind) ?? [];
  const { channelNo, cumulativeUnits, detail, proof, bundle } = claim;
  return JSON.stringify({
    kind,
    channelNo: String(channelNo),
    cumulativeUnits: String(cumulativeUnits),
    detail: String(bundle?.validUntilMs ?? detail),
    proof: toHex(bundle?.signature ?? proof ?? new Uint8Array(0)),
    ...(bundle === undefined ? {} : { entries: toHex(bundle.entries) }),
  });
}

import { LOG_CLAIM, LOG_KINDS } from '#libs/contracts';
import { CLAIM_KINDS } from '../voucher-log/claim.js';
import type { ColumnClaim, FlushColumns } from '../voucher-log/flush-columns.js';

/** Postgres' own signature of a binary COPY, no flags, no extension. */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const FIELDS = 8;
const ROW_BYTES_MAX = 172;
// Fields of a claim as seen from its number and amount, see ColumnClaim.
const KIND = -LOG_CLAIM.channelNo;
const UNITS = LOG_CLAIM.cumulativeUnits - LOG_CLAIM.channelNo;
const DETAIL = LOG_CLAIM.detail - LOG_CLAIM.channelNo;
const PROOF = LOG_CLAIM.proof - LOG_CLAIM.channelNo;

/**
 * The claims of a run as rows of a binary COPY, by channel number: channel_no, cumulative_units, kind,
 * detail, proof, tick_units, tick_index, tick_preimage. The log is big-endian like the COPY, so that
 * most fields are moved as they are.
 */
export function claimRows(columns: FlushColumns): Buffer {
  const out = Buffer.allocUnsafe(HEADER.length + columns.size * ROW_BYTES_MAX + 2);
  let end = HEADER.copy(out);
  columns.forEach((claim) => {
    end = writeRow(out, end, claim);
  });
  return out.subarray(0, out.writeInt16BE(-1, end));
}

function writeRow(out: Buffer, start: number, claim: ColumnClaim): number {
  const { record, at, bundle, tick, tickAt } = claim;
  let end = out.writeInt16BE(FIELDS, start);
  end = writeField(out, end, record, at, 8);
  end = writeField(out, end, record, at + UNITS, 8);
  end = out.writeInt32BE(2, end);
  if (bundle === undefined) {
    const isTick = record[at + KIND] === LOG_KINDS.tick;
    end = out.writeInt16BE(isTick ? CLAIM_KINDS.tick : CLAIM_KINDS.voucher, end);
    end = writeField(out, end, record, at + DETAIL, 8);
    end = writeField(out, end, record, at + PROOF, isTick ? 32 : 64);
  } else {
    end = out.writeInt16BE(CLAIM_KINDS.bundle, end);
    end = out.writeInt32BE(8, end);
    end = out.writeBigInt64BE(bundle.bundleNo, end);
    end = out.writeInt32BE(-1, end);
  }
  if (tick === undefined) {
    for (let field = 0; field < 3; field++) end = out.writeInt32BE(-1, end);
    return end;
  }
  end = writeField(out, end, tick, tickAt + UNITS, 8);
  end = writeField(out, end, tick, tickAt + DETAIL, 8);
  return writeField(out, end, tick, tickAt + PROOF, 32);
}

function writeField(out: Buffer, at: number, from: Buffer, start: number, bytes: number): number {
  const end = out.writeInt32BE(bytes, at);
  for (let word = 0; word < bytes; word += 4) {
    out.writeInt32BE(from.readInt32BE(start + word), end + word);
  }
  return end + bytes;
}

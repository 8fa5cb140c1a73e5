import {
  bundlesOf,
  PACKED_BUNDLE,
  PACKED_BUNDLE_ENTRY,
  PACKED_TICK,
  PACKED_VOUCHER,
  StreamPackedRequest,
} from '#libs/contracts';

/** Told about each payment of a frame: the channel's handle, and what it owes by it in units. */
export type OnClaim = (handle: number, units: number, item: number) => void;

/**
 * Reads a frame as it was sent, in the order of its items, and returns how many there are. A tick is
 * worth one unit in a corpus. Amounts of a corpus are far below 2⁵³, so a number holds them.
 */
export function claimsOf(frame: Uint8Array, onClaim: OnClaim): number {
  const { content } = StreamPackedRequest.decode(frame);
  if (content?.$case !== 'batch') throw new Error('a frame of a corpus is a batch');
  const { vouchers, ticks, bundles } = content.value;
  let item = 0;
  for (let at = 0; at < vouchers.length; at += PACKED_VOUCHER.bytes) {
    onClaim(
      vouchers.readUInt32BE(at),
      unitsAt(vouchers, at + PACKED_VOUCHER.cumulativeUnits),
      item++,
    );
  }
  for (let at = 0; at < ticks.length; at += PACKED_TICK.bytes) {
    onClaim(ticks.readUInt32BE(at), ticks.readUInt32BE(at + PACKED_TICK.index), item++);
  }
  for (const bundle of bundlesOf(bundles)) {
    for (let entry = 0; entry < bundle.count; entry++) {
      const at = bundle.at + PACKED_BUNDLE.bytes + entry * PACKED_BUNDLE_ENTRY.bytes;
      onClaim(
        bundles.readUInt32BE(at),
        unitsAt(bundles, at + PACKED_BUNDLE_ENTRY.cumulativeUnits),
        item++,
      );
    }
  }
  return item;
}

/** An amount of 8 bytes, as a number. */
export function unitsAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4);
}

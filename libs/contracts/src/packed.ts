import { LIMITS } from '#libs/domain';

/**
 * Layouts of the packed stream's records; all numbers are big-endian. docs/packed-stream.md describes
 * them for clients in other languages, a test compares the two.
 */
export const PACKED_VOUCHER = {
  bytes: 84,
  handle: 0,
  cumulativeUnits: 4,
  validUntilMs: 12,
  signature: 20,
} as const;

/** One tick. */
export const PACKED_TICK = { bytes: 40, handle: 0, index: 4, preimage: 8 } as const;

/** Head of a bundle; its entries follow. */
export const PACKED_BUNDLE = { bytes: 76, validUntilMs: 0, signature: 8, count: 72 } as const;

/** One entry of a bundle. */
export const PACKED_BUNDLE_ENTRY = { bytes: 12, handle: 0, cumulativeUnits: 4 } as const;

/** One receipt of a flush acknowledgement. */
export const PACKED_RECEIPT = { bytes: 12, handle: 0, acceptedUnits: 4 } as const;

/** One entry of HandlesOpened.accepted. */
export const PACKED_ACCEPTED = { bytes: 16, acceptedUnits: 0, tickIndex: 8 } as const;

/** A packed batch that cannot be cut into records. */
export class PackedFormatError extends Error {
  override readonly name = 'PackedFormatError';
}

/** How many records of a fixed size these bytes hold; throws a {@link PackedFormatError} on a rest. */
export function recordsOf(bytes: Uint8Array, layout: { bytes: number }, what: string): number {
  if (bytes.length % layout.bytes !== 0) {
    throw new PackedFormatError(
      `${what}: ${bytes.length} bytes are no multiple of ${layout.bytes}`,
    );
  }
  return bytes.length / layout.bytes;
}

/** Where each bundle of a packed field begins, and how many entries it has. Throws when cut short. */
export function bundlesOf(bytes: Uint8Array): { at: number; count: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bundles: { at: number; count: number }[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + PACKED_BUNDLE.bytes > bytes.length) {
      throw new PackedFormatError(`bundle ${bundles.length} is cut short`);
    }
    const count = view.getUint32(at + PACKED_BUNDLE.count);
    if (count === 0 || count > LIMITS.bundleEntriesMax) {
      throw new PackedFormatError(
        `bundle ${bundles.length} has ${count} entries, 1 to ${LIMITS.bundleEntriesMax} are allowed`,
      );
    }
    const next = at + PACKED_BUNDLE.bytes + count * PACKED_BUNDLE_ENTRY.bytes;
    if (next > bytes.length) throw new PackedFormatError(`bundle ${bundles.length} is cut short`);
    bundles.push({ at, count });
    at = next;
  }
  return bundles;
}

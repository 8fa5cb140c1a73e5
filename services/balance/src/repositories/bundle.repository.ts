import type { Transaction } from '#libs/database';
import type { KeptBundle } from '../voucher-log/claim.js';

/** A bundle and how many claims rest on it. */
export type BundleUse = { readonly bundle: KeptBundle; readonly channels: number };

const ROWS_MAX = 1_000;

/** Rows of `ledger.bundles`: each is there exactly while some channel's claim rests on it. */
export class BundleRepository {
  /** Keeps bundles for claims that rest on them from now on. */
  async keep(tx: Transaction, part: number, uses: readonly BundleUse[]): Promise<void> {
    // A statement has at most 65 535 parameters.
    for (let at = 0; at < uses.length; at += ROWS_MAX) {
      const rows = uses.slice(at, at + ROWS_MAX).map(({ bundle, channels }) => ({
        part,
        bundle_no: bundle.bundleNo,
        channels,
        valid_until_ms: bundle.validUntilMs,
        signature: bundle.signature,
        entries: bundle.entries,
      }));
      await tx.sql`insert into ledger.bundles ${tx.sql(rows)}
        on conflict (part, bundle_no) do update set channels = bundles.channels + excluded.channels`;
    }
  }

  /** One claim less rests on a bundle; the last one takes it away. */
  async release(tx: Transaction, part: number, bundleNo: bigint): Promise<void> {
    await tx.sql`with gone as (
        delete from ledger.bundles
        where part = ${part} and bundle_no = ${bundleNo} and channels = 1
      )
      update ledger.bundles set channels = channels - 1
      where part = ${part} and bundle_no = ${bundleNo} and channels > 1`;
  }
}

import { LogRecordWriter } from '#libs/contracts';
import type { Bundle } from '../domain/bundle.js';
import type { ChannelTable } from '../domain/channel-table.js';
import { KIND } from '../domain/claim.js';
import type { Claims } from './claims.js';

const SIGNATURE_BYTES = 64;
const PREIMAGE_BYTES = 32;

/** Packs the winners of a flush into one record per partition. */
export class FlushRecords {
  readonly #writers = new Map<number, LogRecordWriter>();
  readonly #bundles = new Set<Bundle>();

  constructor(
    private readonly table: ChannelTable,
    private readonly claims: Claims,
  ) {}

  /** Adds a winner. The limits of a flush are such that it always fits. */
  add(slot: number): void {
    const { columns } = this.claims;
    const bundle = columns.bundle(slot);
    if (bundle !== undefined) {
      bundle.wins[columns.proofAt[slot] ?? 0] = 1;
      this.#bundles.add(bundle);
      return;
    }
    const row = this.claims.row(slot);
    const isTick = columns.kind[slot] === KIND.tick;
    const added = this.#writer(this.table.partition(row)).addClaim(
      isTick ? 'tick' : 'voucher',
      this.table.channelNo(row),
      columns.units(slot),
      BigInt(columns.detail[slot] ?? 0),
      columns.proof(slot, isTick ? PREIMAGE_BYTES : SIGNATURE_BYTES),
    );
    assertAdded(added);
  }

  /** The records by partition; nothing is left here. */
  finish(): Map<number, Buffer> {
    for (const bundle of this.#bundles) this.#addBundle(bundle);
    this.#bundles.clear();
    const records = new Map<number, Buffer>();
    for (const [partition, writer] of this.#writers) {
      if (writer.entries > 0) records.set(partition, writer.finish());
    }
    return records;
  }

  #addBundle(bundle: Bundle): void {
    const entries = Array.from(bundle.wins, (wins, at) => ({
      channelNo: bundle.channelNos[at] ?? 0n,
      cumulativeUnits: bundle.cumulativeUnits[at] ?? 0n,
      accepted: wins === 1,
    }));
    // Entries that were put off may win in a later flush, whose block says so of them alone.
    bundle.wins.fill(0);
    const { validUntilMs, signature, partition } = bundle;
    assertAdded(this.#writer(partition).addBundle(validUntilMs, signature, entries));
  }

  #writer(partition: number): LogRecordWriter {
    const known = this.#writers.get(partition);
    if (known !== undefined) return known;
    const writer = new LogRecordWriter();
    this.#writers.set(partition, writer);
    return writer;
  }
}

function assertAdded(added: boolean): void {
  if (!added) throw new Error('a flush does not fit a log record; its limits are wrong');
}

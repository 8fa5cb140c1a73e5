import { LOG_KINDS, TOPICS, visitLogRecord } from '#libs/contracts';
import type { InRecord } from '#libs/kafka';
import {
  type BlockPlace,
  type Claim,
  firstBundleNo,
  readBundleClaims,
  readClaim,
} from '../voucher-log/claim.js';
import {
  type Applied,
  applyFlush,
  type Flush,
  type FlushDependencies,
  readOrQuarantine,
} from './flush.js';

type Step = { readonly claims: Claim[]; readonly finalize: bigint | undefined };

/**
 * Applies the voucher log claim by claim, in the order of the log. It is what the log means; what runs
 * in production is faster and compared with it.
 */
export class ApplyVouchersPlainlyService {
  constructor(private readonly deps: FlushDependencies) {}

  nextOffset(part: number): Promise<bigint> {
    return this.deps.log.nextOffset(TOPICS.vouchers.name, part);
  }

  /** Applies records of one partition that follow on its next offset. Throws StaleWriterError when they do not. */
  apply(part: number, records: readonly InRecord[]): Promise<Applied> {
    return applyFlush(this.deps, part, records, async (flush) => {
      for (const [index, record] of records.entries()) {
        await this.#applyRecord(flush, record, firstBundleNo(flush.flushNo, index));
      }
    });
  }

  async #applyRecord(flush: Flush, record: InRecord, bundleBase: bigint): Promise<void> {
    const steps: Step[] = [];
    await readOrQuarantine(flush, record, (content) => {
      visitLogRecord(content, (kind, at, line) => {
        const place = { record: content, offset: record.offset, at, line, bundleBase };
        steps.push(stepOf(kind, place));
      });
    });
    for (const { claims, finalize } of steps) {
      for (const claim of claims) await flush.applyClaim(claim);
      if (finalize !== undefined) await flush.finalize([finalize]);
    }
  }
}

function stepOf(kind: number, place: BlockPlace): Step {
  if (kind === LOG_KINDS.bundle) return { claims: readBundleClaims(place), finalize: undefined };
  const claim = readClaim(place);
  return kind === LOG_KINDS.finalize
    ? { claims: [], finalize: claim.channelNo }
    : { claims: [claim], finalize: undefined };
}

import type { Logger } from '#libs/observability';
import type { ProofVerifier } from '../crypto/proof-verifier.js';
import type { ChannelTable } from '../domain/channel-table.js';
import { Admission } from './admission.js';
import type { ChannelLookup } from './channel-lookup.js';
import { Claims } from './claims.js';
import { FlushWriter } from './flush-writer.js';
import { Flusher } from './flusher.js';
import { INGEST_LIMITS } from './limits.js';
import { PaymentIntake } from './payment-intake.js';
import type { Clock, IngestMeter, VoucherLog } from './ports.js';
import { PostVouchersService } from './post-vouchers.service.js';
import { RequestGate } from './request-gate.js';
import { type HostOf, Senders } from './senders.js';

/** What the core needs from outside. */
export type IngestCoreParts = {
  readonly table: ChannelTable;
  readonly lookup: ChannelLookup;
  readonly verifier: ProofVerifier;
  readonly log: VoucherLog;
  readonly clock: Clock;
  readonly meter: IngestMeter;
  readonly logger: Logger;
  readonly windowMs: number;
  readonly hostOf: HostOf;
};

/** From a payment on its channel to its answer: one core serves all transports. */
export type IngestCore = ReturnType<typeof ingestCore>;

/** Puts the core together; the flusher is still to be started. */
export function ingestCore(parts: IngestCoreParts) {
  const { table, clock, meter } = parts;
  const claims = new Claims(table, INGEST_LIMITS.claimSlots);
  const writer = new FlushWriter({ ...parts, claims });
  const flusher = new Flusher({ ...parts, claims, writer });
  const intake = new PaymentIntake({ ...parts, claims, flusher });
  const gate = new RequestGate({ admission: new Admission(meter), flusher, writer, clock, meter });
  const senders = new Senders(clock, parts.hostOf);
  const service = new PostVouchersService({ gate, table, intake, flusher, clock, meter });
  return { claims, writer, flusher, intake, gate, senders, service };
}

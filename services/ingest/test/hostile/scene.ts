import type { FakeBooks } from '../fixture.js';
import type { LogAudit } from './audit.js';
import type { FuzzChannel, Payers } from './payers.js';
import type { Named, Scene } from './plans.js';
import type { Random } from './random.js';

/** A case that went wrong, with all that is needed to look at it. */
export class FuzzFailure extends Error {
  override readonly name = 'FuzzFailure';

  constructor(complaints: readonly string[], bytes: Uint8Array) {
    const hex = Buffer.from(bytes).toString('hex');
    super(`${complaints.slice(0, 5).join('; ')}\nthe message as hex: ${hex}`);
  }
}

/** Throws when there is something to complain about. */
export function assertFine(complaints: readonly string[], bytes: Uint8Array): void {
  if (complaints.length > 0) throw new FuzzFailure(complaints, bytes);
}

/** Some channels in all states, one that nobody knows, and what is accepted on each. */
export class HostileScene implements Scene {
  readonly named: (Named & { readonly channel: FuzzChannel | undefined })[];
  /** Acceptances that a client was told of. */
  receipts = 0;

  constructor(
    readonly random: Random,
    readonly payers: Payers,
    readonly nowMs: bigint,
    private readonly books: Pick<FakeBooks, 'facts'>,
    private readonly audit: LogAudit,
  ) {
    const [payer, other] = [payers.newPayer(), payers.newPayer()];
    const partition = random.below(8);
    const channels = [
      payers.open(payer, { partition }),
      payers.open(payer, { partition }),
      payers.open(payer, { partition, depositUnits: 2_000n }),
      payers.open(payer),
      payers.open(other, { partition }),
      payers.open(other),
      payers.open(payer, { state: 'closed' }),
      payers.open(other, { state: 'closing', closesAtMs: nowMs - 1n }),
      payers.open(other, { state: 'closing', closesAtMs: nowMs + 1_000_000n }),
    ];
    const known = channels.map((channel, handle) => {
      audit.watch(channel);
      this.#tellBooks(channel);
      return { handle, id: Buffer.from(channel.facts.id), channel };
    });
    this.named = [...known, { handle: known.length, id: random.bytes(32), channel: undefined }];
  }

  byId(id: Buffer): FuzzChannel | undefined {
    return this.named.find((named) => named.id.equals(id))?.channel;
  }

  /** Takes a receipt for true, after a look at whether the payer signed it; answers complaints. */
  raise(channel: FuzzChannel | undefined, units: bigint): string[] {
    if (channel === undefined) return [`a receipt of ${units} units for no channel`];
    const { facts, owed } = channel;
    this.receipts++;
    if (!owed.has(units) || units > facts.depositUnits || units < facts.acceptedUnits) {
      return [`a receipt of ${units} units, accepted were ${facts.acceptedUnits}`];
    }
    if (facts.state === 'closed') return ['a receipt for a closed channel'];
    channel.facts = { ...facts, acceptedUnits: units };
    this.#tellBooks(channel);
    return [];
  }

  /** Every receipt stands in the log, and nothing else does; the channels are forgotten. */
  close(): string[] {
    const complaints: string[] = [];
    for (const { channel } of this.named) {
      if (channel === undefined) continue;
      const { id, channelNo, acceptedUnits } = channel.facts;
      const logged = this.audit.logged.get(channel) ?? 0n;
      if (logged !== acceptedUnits) {
        complaints.push(`channel ${channelNo}: logged ${logged}, told ${acceptedUnits}`);
      }
      this.books.facts.delete(Buffer.from(id).toString('hex'));
      this.audit.forget(channel);
    }
    return complaints;
  }

  #tellBooks({ facts }: FuzzChannel): void {
    this.books.facts.set(Buffer.from(facts.id).toString('hex'), facts);
  }
}

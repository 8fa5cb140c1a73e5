import type { Transaction } from '#libs/database';
import type { TickCommitment } from '#libs/domain';
import type { StoredChannel } from './channel.repository.js';

/** A commitment with the payer's signature; that of the opening has none of its own. */
export type SignedCommitment = {
  readonly ticks: TickCommitment;
  readonly proof: { readonly validUntilMs: bigint; readonly signature: Uint8Array } | undefined;
};

/** Rows of `ledger.tick_commitments`, and the chain that a channel pays by. */
export class TickCommitmentRepository {
  /** The commitment of this channel that has this chain end, whether it pays by it still or not. */
  async find(
    tx: Transaction,
    channel: StoredChannel,
    chainEnd: Uint8Array,
  ): Promise<TickCommitment | undefined> {
    const [row] = await tx.sql<TickCommitment[]>`
      select chain_end as "chainEnd", tick_value_units as "tickValueUnits",
        ticks_max as "ticksMax", base_units as "baseUnits"
      from ledger.tick_commitments
      where part = ${channel.part} and channel_no = ${channel.channelNo}
        and chain_end = ${Buffer.from(chainEnd)}`;
    return row;
  }

  /** Keeps a commitment; one that is there already stays as it is. */
  async keep(
    tx: Transaction,
    channel: StoredChannel,
    { ticks, proof }: SignedCommitment,
    atMs: bigint,
  ): Promise<void> {
    await tx.sql`insert into ledger.tick_commitments ${tx.sql({
      part: channel.part,
      channel_no: channel.channelNo,
      base_units: ticks.baseUnits,
      chain_end: Buffer.from(ticks.chainEnd),
      tick_value_units: ticks.tickValueUnits,
      ticks_max: ticks.ticksMax,
      valid_until_ms: proof?.validUntilMs ?? null,
      signature: proof === undefined ? null : Buffer.from(proof.signature),
      committed_at_ms: atMs,
    })} on conflict (part, channel_no, base_units) do nothing`;
  }

  /** Makes the channel pay by another chain, from its first tick on. */
  async replace(tx: Transaction, channel: StoredChannel, ticks: TickCommitment): Promise<void> {
    const chainEnd = Buffer.from(ticks.chainEnd);
    await tx.sql`update ledger.channels
      set tick_chain_end = ${chainEnd}, tick_value_units = ${ticks.tickValueUnits},
        ticks_max = ${ticks.ticksMax}, tick_base_units = ${ticks.baseUnits},
        tick_index = 0, tick_preimage = ${chainEnd}
      where part = ${channel.part} and channel_no = ${channel.channelNo}`;
  }
}

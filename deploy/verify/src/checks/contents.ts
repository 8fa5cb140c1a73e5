import { type Address, type AssetName, Digests, type Units } from '#libs/domain';
import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree } from '../difference.js';
import { comparing } from './comparison.js';

type WithdrawalRow = {
  readonly no: bigint;
  readonly withdrawalId: Buffer;
  readonly asset: number;
  readonly destination: Address;
  readonly amountUnits: Units;
  readonly toClaim: boolean;
  readonly hash: Buffer;
};

type TransferRow = {
  readonly transferId: Buffer;
  readonly payee: Address;
  readonly amountUnits: Units;
  readonly hash: Buffer;
};

const ASSET_NAMES: Readonly<Record<number, AssetName>> = { 1: 'TRC20_BTT', 2: 'TRC10_BTTOLD' };

const digestsOf = ({ place: { chainId, vault } }: Audit) =>
  new Digests({ chainId, vaultAddress: vault });

/** A withdrawal goes where its owner's request says: the hash of what was signed is kept. */
async function withdrawals(audit: Audit): Promise<void> {
  const digests = digestsOf(audit);
  const rows = audit.sql<WithdrawalRow[]>`
    select withdrawal_no as no, withdrawal_id as "withdrawalId", asset::int, destination,
      amount_units as "amountUnits", to_claim as "toClaim", content_hash as hash
    from ledger.withdrawals`;
  for await (const { no, hash, asset, ...asked } of rowsOf<WithdrawalRow>(audit, rows)) {
    const row = { table: 'ledger.withdrawals', key: `withdrawal ${no}` };
    const name = ASSET_NAMES[asset];
    const digest = hashOf(
      () => name && digests.withdraw({ ...asked, asset: name, validUntilMs: 0n }),
    );
    agree(row, 'hash of the request', digest, hash);
  }
}

/** A transfer moved what its payer's request says. */
async function transfers(audit: Audit): Promise<void> {
  const digests = digestsOf(audit);
  const rows = audit.sql<TransferRow[]>`
    select t.transfer_id as "transferId", a.address as payee, j.units as "amountUnits",
      t.content_hash as hash
    from ledger.transfers t
    join ledger.journal j on j.kind = 2 and j.part = -1 and j.reference = t.transfer_id
    join ledger.accounts a on a.account_no = j.credit_no`;
  for await (const { hash, ...asked } of rowsOf<TransferRow>(audit, rows)) {
    const key = `transfer ${asked.transferId.toString('hex')}`;
    const digest = hashOf(() => digests.transfer({ ...asked, validUntilMs: 0n }));
    agree({ table: 'ledger.transfers', key }, 'hash of the request', digest, hash);
  }
}

/** The digest; undefined when what is stored cannot have been signed, as a changed address cannot. */
export function hashOf(digest: () => Uint8Array | undefined): Uint8Array | undefined {
  try {
    return digest();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A channel pays by the hash chain that its payer has committed to last; what the opening said counts from 0. */
const TICK_TERMS = `
  select format('part %s, channel %s', c.part, c.channel_no) as key,
    jsonb_build_object('base', coalesce(t.base_units, 0),
      'chain end', encode(coalesce(t.chain_end, c.tick_chain_end), 'hex'),
      'value of a tick', case when c.tick_chain_end is not null
        then coalesce(t.tick_value_units, c.tick_value_units) end,
      'ticks', case when c.tick_chain_end is not null then coalesce(t.ticks_max, c.ticks_max) end,
      'whole', true) as expected,
    jsonb_build_object('base', c.tick_base_units, 'chain end', encode(c.tick_chain_end, 'hex'),
      'value of a tick', c.tick_value_units, 'ticks', c.ticks_max,
      'whole', num_nulls(c.tick_chain_end, c.tick_value_units, c.ticks_max) in (0, 3)) as found
  from ledger.channels c left join lateral (
    select * from ledger.tick_commitments o where o.part = c.part and o.channel_no = c.channel_no
    order by base_units desc limit 1
  ) t on true`;

export const CONTENT_CHECKS: readonly Check[] = [
  comparing({ name: 'Terms of ticks', table: 'ledger.channels', rows: TICK_TERMS }),
  { name: 'Requests of withdrawals', run: withdrawals },
  { name: 'Requests of transfers', run: transfers },
];

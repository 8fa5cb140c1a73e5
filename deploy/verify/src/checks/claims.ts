import { createHash } from 'node:crypto';
import { verify } from '#libs/crypto';
import {
  type Address,
  addressOfPublicKey,
  bundleRoot,
  Digests,
  hashesForward,
  partitionOf,
  type TickCommitment,
  tickUnits,
} from '#libs/domain';
import { type Audit, type Check, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';
import { sessionKeys } from './session-keys.js';

/** Partitions of the voucher log. */
const PARTITIONS = 8;
const ENTRY_BYTES = 16;
const VOUCHER = 1;
const TICK = 2;
const BUNDLE = 3;

type ClaimRow = {
  readonly part: number;
  readonly channelNo: bigint;
  readonly channelId: Buffer;
  readonly payee: Address;
  /** Of whoever signs the channel's payments. */
  readonly signerKey: Buffer | null;
  readonly cumulative: bigint;
  readonly kind: number | null;
  readonly detail: bigint | null;
  readonly proof: Buffer | null;
  readonly chainEnd: Buffer | null;
  readonly tickValue: bigint | null;
  readonly tickBase: bigint;
  readonly ticksMax: bigint | null;
  readonly tickIndex: bigint;
  readonly tickPreimage: Buffer | null;
  readonly commitments: TickCommitment[] | null;
  readonly bundle: BundleRow | null;
};

type AccountRow = { readonly no: bigint; readonly address: Address; readonly key: Buffer };

type BundleRow = {
  readonly validUntilMs: string;
  readonly signature: string;
  readonly entries: string;
  /** Null when none of its channels is there. */
  readonly channelIds: Readonly<Record<string, string>> | null;
};

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const unhex = (text: string) => Buffer.from(text.replace(/^\\x/, ''), 'hex');

/** An account's address is that of its key. */
async function accounts(audit: Audit): Promise<void> {
  const rows = audit.sql<AccountRow[]>`
    select account_no as no, address, public_key as key from ledger.accounts
    where public_key is not null`;
  for await (const { no, address, key } of rowsOf<AccountRow>(audit, rows)) {
    const row = { table: 'ledger.accounts', key: `account ${no}` };
    // Of a key in the only form that there is.
    agree(row, 'form of its key', 4, key[0]);
    agree(row, 'address of its key', addressOfPublicKey(key), address);
  }
}

/** What each channel owes is claimed by its signer: the newest voucher, tick or bundle holds under the stored key. */
async function claims(audit: Audit): Promise<void> {
  const { chainId, vault } = audit.place;
  const digests = new Digests({ chainId, vaultAddress: vault });
  for await (const claim of rowsOf<ClaimRow>(audit, claimsOf(audit))) {
    const row = { table: 'ledger.channels', key: `part ${claim.part}, channel ${claim.channelNo}` };
    agree(row, 'part', partitionOf(claim.channelId, PARTITIONS), claim.part);
    const problem = problemOf(claim, digests);
    if (problem !== undefined)
      differ(row, `a claim of ${claim.cumulative} units by its signer`, problem);
  }
}

function problemOf(claim: ClaimRow, digests: Digests): string | undefined {
  const { cumulative, kind, detail, proof, signerKey } = claim;
  const ticks = tickProblem(claim);
  if (ticks !== undefined) return ticks;
  if (kind === null) return cumulative === 0n ? undefined : 'none';
  if (signerKey === null || detail === null) return 'one without key or content';
  switch (kind) {
    case VOUCHER: {
      const { channelId, payee } = claim;
      const message = { channelId, payee, cumulativeUnits: cumulative, validUntilMs: detail };
      const holds = proof !== null && verify(digests.voucher(message), proof, signerKey);
      return holds ? undefined : 'a voucher whose signature does not hold';
    }
    case TICK:
      return claimedTick(claim, detail);
    case BUNDLE:
      return claim.bundle === null ? 'a bundle that is not there' : bundleProblem(claim, digests);
    default:
      return `kind ${kind}`;
  }
}

/** Commitments of a channel: those stored apart, and the one that it has now. */
function commitmentsOf(claim: ClaimRow): TickCommitment[] {
  const { chainEnd, tickValue, tickBase, ticksMax, commitments } = claim;
  const stored = (commitments ?? []).map((each) => ({
    chainEnd: unhex(String(each.chainEnd)),
    tickValueUnits: BigInt(each.tickValueUnits),
    ticksMax: BigInt(each.ticksMax),
    baseUnits: BigInt(each.baseUnits),
  }));
  if (chainEnd === null || tickValue === null) return stored;
  const own = {
    chainEnd,
    tickValueUnits: tickValue,
    ticksMax: ticksMax ?? 0n,
    baseUnits: tickBase,
  };
  return [...stored, own];
}

// A late chain is checked from its own commitment; its amounts lie above those of the ones before.
function claimedTick(claim: ClaimRow, index: bigint): string | undefined {
  const { proof, cumulative } = claim;
  const matching = commitmentsOf(claim).filter(
    (each) => index <= each.ticksMax && tickUnits(each, index) === cumulative,
  );
  const holds =
    proof !== null &&
    matching.some(({ chainEnd }) => hashesForward(proof, Number(index), chainEnd, sha256));
  return holds ? undefined : 'a tick that does not lead to what its signer has committed';
}

function tickProblem(claim: ClaimRow): string | undefined {
  const { tickIndex, tickPreimage, chainEnd, ticksMax } = claim;
  if (chainEnd === null) return tickIndex === 0n ? undefined : 'ticks without a commitment';
  // Before it is hashed so often.
  if (tickIndex < 0n || tickIndex > (ticksMax ?? 0n)) return 'a last tick beyond the chain';
  const holds =
    tickPreimage !== null && hashesForward(tickPreimage, Number(tickIndex), chainEnd, sha256);
  return holds ? undefined : 'a last tick that does not lead to the chain';
}

function bundleProblem(claim: ClaimRow, digests: Digests): string | undefined {
  const { bundle, channelNo, cumulative, signerKey } = claim;
  if (bundle === null || signerKey === null) return 'a bundle without key';
  const bytes = unhex(bundle.entries);
  const leaves: { channelId: Uint8Array; cumulativeUnits: bigint }[] = [];
  let isIn = false;
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
    const no = bytes.readBigInt64BE(at);
    const units = bytes.readBigInt64BE(at + 8);
    const id = bundle.channelIds?.[String(no)];
    if (id === undefined) return `a bundle of an unknown channel ${no}`;
    leaves.push({ channelId: unhex(id), cumulativeUnits: units });
    isIn ||= no === channelNo && units === cumulative;
  }
  if (!isIn || leaves.length === 0) return 'a bundle that says something else';
  const digest = digests.bundle({
    root: bundleRoot(leaves, sha256),
    count: leaves.length,
    validUntilMs: BigInt(bundle.validUntilMs),
  });
  const holds = verify(digest, unhex(bundle.signature), signerKey);
  return holds ? undefined : 'a bundle whose signature does not hold';
}

/** A later hash chain is committed to by the signature of the channel's signer. */
async function commitments(audit: Audit): Promise<void> {
  const { chainId, vault } = audit.place;
  const digests = new Digests({ chainId, vaultAddress: vault });
  const rows = audit.sql<CommitmentRow[]>`
    select t.part, t.channel_no as "channelNo", c.channel_id as "channelId",
      coalesce(k.public_key, a.public_key) as key,
      t.base_units as "baseUnits", t.chain_end as "chainEnd", t.tick_value_units as "tickValueUnits",
      t.ticks_max as "ticksMax", t.valid_until_ms as "validUntilMs", t.signature
    from ledger.tick_commitments t
    left join ledger.channels c on c.part = t.part and c.channel_no = t.channel_no
    left join ledger.accounts a on a.account_no = c.payer_no
    left join ledger.session_keys k on k.session_key_no = c.session_key_no
    where t.signature is not null`;
  for await (const { channelId, key, validUntilMs, signature, ...ticks } of rowsOf<CommitmentRow>(
    audit,
    rows,
  )) {
    const place = `part ${ticks.part}, channel ${ticks.channelNo}, base ${ticks.baseUnits}`;
    const holds =
      channelId !== null &&
      key !== null &&
      verify(digests.commitTicks({ channelId, ticks, validUntilMs }), signature, key);
    const row = { table: 'ledger.tick_commitments', key: place };
    if (!holds) differ(row, 'a signature of the channel’s signer', 'one that does not hold');
  }
}

type CommitmentRow = TickCommitment & {
  readonly part: number;
  readonly channelNo: bigint;
  readonly channelId: Buffer | null;
  readonly key: Buffer | null;
  readonly validUntilMs: bigint;
  readonly signature: Buffer;
};

/** Bundles count the claims that rest on them. */
async function bundles(audit: Audit): Promise<void> {
  const [first] = await audit.sql<{ key: string; expected: bigint; found: bigint }[]>`
    with resting as (
      select part, claim_detail as no, count(*) as channels from ledger.channels
      where claim_kind = ${BUNDLE} group by part, claim_detail
    )
    select format('part %s, bundle %s', coalesce(b.part, r.part), coalesce(b.bundle_no, r.no)) as key,
      coalesce(r.channels, 0) as expected, coalesce(b.channels, 0)::bigint as found
    from ledger.bundles b full join resting r on r.part = b.part and r.no = b.bundle_no
    where coalesce(r.channels, 0) <> coalesce(b.channels, 0) order by 1 limit 1`;
  if (first === undefined) return;
  agree({ table: 'ledger.bundles', key: first.key }, 'channels', first.expected, first.found);
}

function claimsOf({ sql }: Audit) {
  return sql<ClaimRow[]>`
    select c.part, c.channel_no as "channelNo", c.channel_id as "channelId", payee.address as payee,
      coalesce(k.public_key, payer.public_key) as "signerKey", c.cumulative_units as cumulative, c.claim_kind as kind,
      c.claim_detail as detail, c.claim_proof as proof, c.tick_chain_end as "chainEnd",
      c.tick_value_units as "tickValue", c.tick_base_units as "tickBase", c.ticks_max as "ticksMax",
      c.tick_index as "tickIndex", c.tick_preimage as "tickPreimage",
      case when c.claim_kind = ${TICK} then (
        select jsonb_agg(jsonb_build_object('chainEnd', encode(t.chain_end, 'hex'),
          'tickValueUnits', t.tick_value_units::text, 'ticksMax', t.ticks_max::text,
          'baseUnits', t.base_units::text))
        from ledger.tick_commitments t where t.part = c.part and t.channel_no = c.channel_no
      ) end as commitments,
      case when b.bundle_no is not null then jsonb_build_object(
        'validUntilMs', b.valid_until_ms::text, 'signature', encode(b.signature, 'hex'),
        'entries', encode(b.entries, 'hex'),
        'channelIds', (
          select jsonb_object_agg(e.channel_no, encode(e.channel_id, 'hex')) from ledger.channels e
          where e.part = c.part and e.channel_no in (
            select ('x' || encode(substring(b.entries from n * 16 + 1 for 8), 'hex'))::bit(64)::bigint
            from generate_series(0, octet_length(b.entries) / 16 - 1) n))) end as bundle
    from ledger.channels c
    join ledger.accounts payee on payee.account_no = c.payee_no
    join ledger.accounts payer on payer.account_no = c.payer_no
    left join ledger.session_keys k on k.session_key_no = c.session_key_no
    left join ledger.bundles b
      on c.claim_kind = ${BUNDLE} and b.part = c.part and b.bundle_no = c.claim_detail
    order by c.part, c.channel_no`;
}

export const CLAIM_CHECKS: readonly Check[] = [
  { name: 'Keys of accounts', run: accounts },
  { name: 'Session keys', run: sessionKeys },
  { name: 'Claims of channels', run: claims },
  { name: 'Tick commitments', run: commitments },
  { name: 'Bundles', run: bundles },
];

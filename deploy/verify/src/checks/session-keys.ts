import { verify } from '#libs/crypto';
import { type Address, addressOfPublicKey, Digests, type Units } from '#libs/domain';
import { type Audit, rowsOf } from '../audit.js';
import { agree, differ } from '../difference.js';

/** By how much clocks of the books' processes may differ. */
const CLOCKS_MS = 3_000n;

type SessionKeyRow = {
  readonly no: bigint;
  readonly account: Address | null;
  readonly accountKey: Buffer | null;
  readonly key: Address;
  readonly publicKey: Buffer;
  readonly capUnits: Units;
  readonly usedUnits: Units;
  readonly expiresAtMs: bigint;
  readonly validUntilMs: bigint;
  readonly signature: Buffer;
  readonly delegatedAtMs: bigint;
  readonly revokedAtMs: bigint | null;
  readonly revocationValidUntilMs: bigint | null;
  readonly revocationSignature: Buffer | null;
  /** Of the channels that it opened: their deposits, and when the first and the last of them were. */
  readonly lockedUnits: Units;
  readonly firstMs: bigint | null;
  readonly lastMs: bigint | null;
};

/** Session keys are delegated and revoked by their accounts' signatures, and open channels within cap and time only. */
export async function sessionKeys(audit: Audit): Promise<void> {
  const { chainId, vault } = audit.place;
  const digests = new Digests({ chainId, vaultAddress: vault });
  for await (const key of rowsOf<SessionKeyRow>(audit, keysOf(audit))) {
    const row = { table: 'ledger.session_keys', key: `session key ${key.no}` };
    agree(row, 'address of its key', addressOfPublicKey(key.publicKey), key.key);
    const problem = signatureProblem(key, digests) ?? timeProblem(key);
    if (problem !== undefined) differ(row, 'a delegation by its account', problem);
    agree(row, 'used', key.lockedUnits, key.usedUnits);
    if (key.usedUnits > key.capUnits) {
      differ(row, `at most ${key.capUnits} units used`, `${key.usedUnits}`);
    }
  }
  await strays(audit);
}

function signatureProblem(key: SessionKeyRow, digests: Digests): string | undefined {
  const { account, accountKey, signature, revocationSignature, revocationValidUntilMs } = key;
  if (account === null || accountKey === null) return 'one of an account without key';
  const signed = { ...key, account };
  const holds = (digest: () => Uint8Array, by: Buffer) => isSigned(digest, by, accountKey);
  if (!holds(() => digests.delegateSessionKey(signed), signature)) {
    return 'one whose signature does not hold';
  }
  if (key.revokedAtMs === null) return undefined;
  const validUntilMs = revocationValidUntilMs ?? 0n;
  const isRevoked =
    revocationSignature !== null &&
    holds(() => digests.revokeSessionKey({ ...signed, validUntilMs }), revocationSignature);
  return isRevoked ? undefined : 'a revocation whose signature does not hold';
}

// What is stored may be nothing that can be signed: then nobody has.
function isSigned(digest: () => Uint8Array, signature: Buffer, key: Buffer): boolean {
  try {
    return verify(digest(), signature, key);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return false;
    throw error;
  }
}

function timeProblem(key: SessionKeyRow): string | undefined {
  const { delegatedAtMs, revokedAtMs, firstMs, lastMs } = key;
  const isAfter = (atMs: bigint | null, limitMs: bigint | null) =>
    atMs !== null && limitMs !== null && atMs > limitMs + CLOCKS_MS;
  if (isAfter(delegatedAtMs, key.validUntilMs)) return 'one taken after its validity';
  if (isAfter(revokedAtMs, key.revocationValidUntilMs)) {
    return 'a revocation taken after its validity';
  }
  if (isAfter(delegatedAtMs, firstMs)) return 'a channel opened before it';
  if (isAfter(lastMs, key.expiresAtMs)) return 'a channel opened after its expiry';
  return isAfter(lastMs, revokedAtMs) ? 'a channel opened after its revocation' : undefined;
}

/** A channel's session key is one of its payer's. */
async function strays({ sql }: Audit): Promise<void> {
  const [first] = await sql<{ part: number; channelNo: bigint; no: bigint }[]>`
    select c.part, c.channel_no as "channelNo", c.session_key_no as no
    from ledger.channels c
    left join ledger.session_keys k on k.session_key_no = c.session_key_no
    where c.session_key_no is not null and k.account_no is distinct from c.payer_no
    order by c.part, c.channel_no limit 1`;
  if (first === undefined) return;
  const row = { table: 'ledger.channels', key: `part ${first.part}, channel ${first.channelNo}` };
  differ(row, 'a session key of its payer', `session key ${first.no}`);
}

function keysOf({ sql }: Audit) {
  return sql<SessionKeyRow[]>`
    with opened as (
      select session_key_no as no, sum(deposit_units)::bigint as units,
        min(opened_at_ms) as first_ms, max(opened_at_ms) as last_ms
      from ledger.channels where session_key_no is not null group by session_key_no
    )
    select k.session_key_no as no, a.address as account, a.public_key as "accountKey",
      k.address as key, k.public_key as "publicKey", k.cap_units as "capUnits",
      k.used_units as "usedUnits", k.expires_at_ms as "expiresAtMs",
      k.valid_until_ms as "validUntilMs", k.signature, k.delegated_at_ms as "delegatedAtMs",
      k.revoked_at_ms as "revokedAtMs", k.revocation_valid_until_ms as "revocationValidUntilMs",
      k.revocation_signature as "revocationSignature", coalesce(o.units, 0) as "lockedUnits",
      o.first_ms as "firstMs", o.last_ms as "lastMs"
    from ledger.session_keys k
    left join ledger.accounts a on a.account_no = k.account_no
    left join opened o on o.no = k.session_key_no
    order by k.session_key_no`;
}

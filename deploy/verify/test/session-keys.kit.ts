import { randomBytes } from 'node:crypto';
import { encodeLogRecord, type LogBlock } from '#libs/contracts';
import { type KeyPair, keyPairOf, sign } from '#libs/crypto';
import { bundleRoot, tickChain } from '#libs/domain';
import type { StoredChannel } from '../../../services/balance/src/repositories/channel.repository.js';
import { type ledgerKit, value } from '../../../services/balance/test/ledger.kit.js';

type Kit = ReturnType<typeof ledgerKit>;

const FAR = 4_000_000_000_000n;
const CAP = 5_000n;
const HOUR_MS = 3_600_000n;

/** Two session keys of an account, one of them revoked, and channels of theirs that were paid in every way. */
export async function sessionKeyChannels(kit: Kit, payer: KeyPair, payee: KeyPair): Promise<void> {
  const [key, revoked] = [await delegate(kit, payer), await delegate(kit, payer)];
  const open = (by: KeyPair) => openBy(kit, by, payer, payee);
  const byVoucher = await open(key);
  await apply(kit, byVoucher, voucher(kit, key, byVoucher, 70n));
  const byBundle = await open(key);
  await apply(kit, byBundle, bundle(kit, key, byBundle, 55n));
  const byTicks = await open(key);
  await apply(kit, byTicks, await lateTick(kit, key, byTicks));
  const last = await open(revoked);
  await apply(kit, last, voucher(kit, revoked, last, 10n));
  await revoke(kit, payer, revoked);
  // Vouchers of a channel that is open go on.
  await apply(kit, last, voucher(kit, revoked, last, 20n));
}

async function delegate(kit: Kit, by: KeyPair): Promise<KeyPair> {
  const keys = keyPairOf(randomBytes(32));
  const times = { expiresAtMs: kit.clock() + 2n * HOUR_MS, validUntilMs: kit.clock() + HOUR_MS };
  const terms = { account: by.address, capUnits: CAP, ...times };
  const digest = kit.digests.delegateSessionKey({ ...terms, key: keys.address });
  const signature = Buffer.from(sign(digest, by.privateKey));
  const publicKey = Buffer.from(keys.publicKey);
  value(await kit.use.sessionKeys.delegate({ ...terms, publicKey, signature }));
  return keys;
}

async function revoke(kit: Kit, by: KeyPair, { address: key }: KeyPair): Promise<void> {
  const terms = { account: by.address, key, validUntilMs: kit.clock() + HOUR_MS };
  const signature = Buffer.from(sign(kit.digests.revokeSessionKey(terms), by.privateKey));
  value(await kit.use.sessionKeys.revoke({ ...terms, signature }));
}

async function openBy(
  kit: Kit,
  by: KeyPair,
  payer: KeyPair,
  payee: KeyPair,
): Promise<StoredChannel> {
  const terms = {
    ...{ payer: payer.address, payee: payee.address, depositUnits: 900n, salt: randomBytes(32) },
    ...{ ticks: undefined, validUntilMs: kit.clock() + HOUR_MS },
  };
  const signature = Buffer.from(sign(kit.digests.openChannel(terms), by.privateKey));
  return value(await kit.use.channels.open({ ...terms, signature, signer: by.address }));
}

async function apply(kit: Kit, { part }: StoredChannel, block: LogBlock): Promise<void> {
  const offset = await kit.use.vouchers.nextOffset(part);
  const record = { offset, key: null, value: encodeLogRecord([block]), timestampMs: 0 };
  await kit.use.vouchers.apply(part, [record]);
}

function voucher(kit: Kit, by: KeyPair, channel: StoredChannel, cumulativeUnits: bigint): LogBlock {
  const { channelId, channelNo, payee } = channel;
  const digest = kit.digests.voucher({ channelId, payee, cumulativeUnits, validUntilMs: FAR });
  const proof = sign(digest, by.privateKey);
  return { kind: 'voucher', channelNo, cumulativeUnits, detail: FAR, proof };
}

function bundle(kit: Kit, by: KeyPair, channel: StoredChannel, cumulativeUnits: bigint): LogBlock {
  const { channelId, channelNo } = channel;
  const root = bundleRoot([{ channelId, cumulativeUnits }]);
  const digest = kit.digests.bundle({ root, count: 1, validUntilMs: FAR });
  const entries = [{ channelNo, cumulativeUnits, accepted: true }];
  return { kind: 'bundle', validUntilMs: FAR, signature: sign(digest, by.privateKey), entries };
}

/** A tick of a chain that the session key has committed the channel to. */
async function lateTick(kit: Kit, by: KeyPair, channel: StoredChannel): Promise<LogBlock> {
  const { channelId, channelNo } = channel;
  const chain = tickChain(randomBytes(32), 5);
  const chainEnd = Buffer.from(chain[0] as Uint8Array);
  const ticks = { chainEnd, tickValueUnits: 10n, ticksMax: 5n, baseUnits: 0n };
  const signed = { channelId, ticks, validUntilMs: kit.clock() + HOUR_MS };
  const signature = Buffer.from(sign(kit.digests.commitTicks(signed), by.privateKey));
  value(await kit.use.ticks.commit({ ...signed, signature }));
  const proof = chain[3] as Uint8Array;
  return { kind: 'tick', channelNo, cumulativeUnits: 30n, detail: 3n, proof };
}

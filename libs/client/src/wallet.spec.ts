import { Metadata } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { verify } from '#libs/crypto';
import { bundleRoot, Digests } from '#libs/domain';
import { readSession } from '#libs/grpc';
import { SessionSource } from './connection.js';
import { SESSION_TRAILER } from './trailers.js';
import { newId, Wallet } from './wallet.js';

const domain = { chainId: 1n, vaultAddress: 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8' };
const wallet = new Wallet(new Uint8Array(32).fill(7), domain);
const other = Wallet.generate(domain);
const digests = new Digests(domain);
const until = 2_000_000_000_000n;

function signedBy(digest: Uint8Array, signature: Uint8Array): boolean {
  return verify(digest, signature, wallet.publicKey);
}

describe('Wallet', () => {
  it('comes back from its exported key', () => {
    const again = new Wallet(Buffer.from(wallet.exportKey(), 'hex'), domain);
    expect(again.address).toBe(wallet.address);
    expect(other.address).not.toBe(wallet.address);
  });

  it('refuses bytes that are not a key', () => {
    expect(() => new Wallet(new Uint8Array(32), domain)).toThrow();
    expect(() => new Wallet(new Uint8Array(31), domain)).toThrow();
  });

  it('signs payments and channel requests so that the ledger verifies them', () => {
    const claim = {
      channelId: newId(),
      payee: other.address,
      cumulativeUnits: 5n,
      validUntilMs: until,
    };
    expect(signedBy(digests.voucher(claim), wallet.voucher(claim).signature)).toBe(true);
    const ticks = { chainEnd: newId(), tickValueUnits: 3n, ticksMax: 10n };
    const terms = {
      payee: other.address,
      depositUnits: 9n,
      salt: newId(),
      ticks,
      validUntilMs: until,
    };
    const opened = wallet.openChannel(terms);
    expect(opened).toMatchObject({ payer: wallet.address, ticks });
    expect(
      signedBy(digests.openChannel({ ...terms, payer: wallet.address }), opened.signature),
    ).toBe(true);
    const closed = wallet.closeChannel(claim.channelId, until);
    expect(closed.closer).toBe(wallet.address);
    expect(signedBy(digests.closeChannel(claim.channelId, until), closed.signature)).toBe(true);
    expect(signedBy(digests.register(wallet.address), wallet.register().signature)).toBe(true);
  });

  it('delegates session keys, and opens for the payer whose session key it is', () => {
    const [capUnits, expiresAtMs] = [9n, until + 5n];
    const delegation = { account: wallet.address, capUnits, expiresAtMs, validUntilMs: until };
    const { publicKey, address: key } = other;
    const request = wallet.delegateSessionKey({ publicKey, capUnits, expiresAtMs }, until);
    expect(request).toMatchObject({ ...delegation, publicKey: Buffer.from(publicKey) });
    expect(signedBy(digests.delegateSessionKey({ ...delegation, key }), request.signature)).toBe(
      true,
    );
    const bad = { publicKey: new Uint8Array(65), capUnits, expiresAtMs };
    expect(() => wallet.delegateSessionKey(bad, until)).toThrow(TypeError);
    const revoked = wallet.revokeSessionKey(key, until);
    expect(signedBy(digests.revokeSessionKey(revoked), revoked.signature)).toBe(true);

    const terms = { payee: key, depositUnits: 9n, salt: newId(), validUntilMs: until };
    expect(wallet.openChannel(terms).signer).toBe('');
    const payer = other.address;
    const opened = wallet.openChannel({ ...terms, payee: wallet.address, payer });
    expect(opened).toMatchObject({ payer, signer: wallet.address });
    expect(signedBy(digests.openChannel(opened), opened.signature)).toBe(true);
  });

  it('signs bundles and tick commitments so that the ledger verifies them', () => {
    const leaves = [newId(), newId(), newId()].map((channelId, at) => ({
      channelId,
      cumulativeUnits: BigInt(at + 1),
    }));
    const bundle = wallet.signBundle(leaves, until);
    const root = bundleRoot(leaves);
    const digest = digests.bundle({ root, count: 3, validUntilMs: until });
    expect(signedBy(digest, bundle.signature)).toBe(true);
    expect(bundle.entries).toEqual(leaves);
    expect(() => wallet.signBundle([], until)).toThrow(RangeError);
    expect(() => wallet.signBundle([...leaves, ...leaves], until)).toThrow('another channel');
    const many = Array.from({ length: 257 }, () => ({ channelId: newId(), cumulativeUnits: 1n }));
    expect(() => wallet.signBundle(many, until)).toThrow('at most 256');
    const ticks = { chainEnd: newId(), tickValueUnits: 3n, ticksMax: 10n, baseUnits: 40n };
    const channelId = newId();
    const committed = wallet.commitTicks(channelId, ticks, until);
    expect(committed).toMatchObject({ channelId, ticks });
    const commitDigest = digests.commitTicks({ channelId, ticks, validUntilMs: until });
    expect(signedBy(commitDigest, committed.signature)).toBe(true);
  });

  it('signs transfers, withdrawals and orders so that the ledger verifies them', () => {
    const id = newId();
    const transfer = { transferId: id, payee: other.address, amountUnits: 1n, validUntilMs: until };
    expect(signedBy(digests.transfer(transfer), wallet.transfer(transfer).signature)).toBe(true);
    const withdrawal = {
      withdrawalId: id,
      asset: 'TRC10_BTTOLD',
      destination: other.address,
      amountUnits: 4n,
      validUntilMs: until,
    } as const;
    const requested = wallet.withdraw(withdrawal);
    expect(requested).toMatchObject({ account: wallet.address, asset: 2 });
    expect(signedBy(digests.withdraw(withdrawal), requested.signature)).toBe(true);
    const cancelled = wallet.cancelWithdrawal(id, until);
    expect(signedBy(digests.cancelWithdrawal(id, until), cancelled.signature)).toBe(true);
    const swarm = Buffer.alloc(20, 9);
    const ask = {
      orderId: id,
      swarm,
      slots: 2,
      slotRateMib: 1,
      reservePriceUnits: 3n,
      expiresAtMs: until,
    };
    expect(signedBy(digests.ask(ask), wallet.ask(ask).signature)).toBe(true);
    const bid = {
      orderId: id,
      swarm,
      slots: 1,
      priceLimitUnits: 3n,
      volumeMib: 4n,
      budgetUnits: 12n,
      expiresAtMs: until,
    };
    expect(signedBy(digests.bid(bid), wallet.bid(bid).signature)).toBe(true);
    expect(signedBy(digests.cancelOrder(id, until), wallet.cancelOrder(id, until).signature)).toBe(
      true,
    );
  });
});

describe('SessionSource', () => {
  it('signs a session once, and again when it nears its end or was turned down', () => {
    let nowMs = 1_000_000;
    const sessions = new SessionSource(wallet, () => nowMs);
    const text = (metadata: Metadata) => String(metadata.get(SESSION_TRAILER)[0]);
    const first = text(sessions.metadata());
    const claim = readSession(sessions.metadata(), BigInt(nowMs));
    expect(claim).toMatchObject({ ok: true, value: { account: wallet.address } });
    nowMs += 3_000_000;
    expect(text(sessions.metadata())).toBe(first);
    nowMs += 400_000;
    const second = text(sessions.metadata());
    expect(second).not.toBe(first);
    nowMs += 1;
    expect(text(sessions.metadata(true))).not.toBe(second);
  });
});

import { Metadata } from '@grpc/grpc-js';
import { expect } from 'vitest';
import { Asset } from '#libs/contracts';
import { keyPairOf, sign } from '#libs/crypto';
import { Digests, fromHex } from '#libs/domain';
import { formatSession, SESSION_TRAILER } from '#libs/grpc';
import { callData, claimData, readUint } from '#libs/tron';
import type { Parts } from '../src/parts.js';
import { payee, tick, tickUntil, UNIT, type World } from './world.js';

/** The shortest window that the service takes. */
const WINDOW = { CLAIM_WINDOW_MS: '90000000' };

/** A withdrawal that its payee fetches. */
export type Claimable = { readonly id: string; readonly to: string; readonly units: bigint };

/** What tests of claims do on a world of their own, whose chain may be days ahead of the machine's clock. */
export class ClaimsKit {
  #next: number;

  constructor(
    readonly world: World,
    readonly first = 0x2000,
  ) {
    this.#next = first;
  }

  /** A process whose clock is the chain's. */
  boot(change: Readonly<Record<string, string>> = {}): Parts {
    const clock = () => BigInt(this.world.devchain.headTimestampMs);
    return this.world.boot({ ...WINDOW, ...change }, undefined, clock);
  }

  ask(units: bigint, toClaim = true, asset: Asset = Asset.TRC20_BTT): Claimable {
    const number = ++this.#next;
    const to = payee(number);
    return { id: this.world.books.request(number, asset, to, units, toClaim), to, units };
  }

  stateOf({ id }: Claimable): string {
    return this.world.books.stateOf(id);
  }

  async paid({ to }: Claimable): Promise<bigint> {
    return (await this.world.trc20Of(to)) / UNIT;
  }

  async free(): Promise<bigint> {
    const { vaultAddress } = this.world.place;
    const call = callData('freeBaseUnits()');
    return readUint(await this.world.chain.view(vaultAddress, call)) / UNIT;
  }

  /** Until all of these are in this state. */
  until(parts: Parts, all: readonly Claimable[], state: string): Promise<void> {
    return tickUntil(this.world, parts, () => all.every((each) => this.stateOf(each) === state));
  }

  /** Plans, commits and solidifies sets of these. */
  async committed(parts: Parts, all: readonly Claimable[]): Promise<void> {
    expect(await parts.runs.run()).toMatchObject({ ok: true });
    await this.until(parts, all, 'CLAIMABLE');
  }

  /** The session of the account of a withdrawal, which is its payee. */
  session(parts: Parts, { to }: Pick<Claimable, 'to'>, key = this.#keyOf(to)): Metadata {
    const { chainId, vaultAddress } = this.world.place;
    const digests = new Digests({ chainId: BigInt(chainId), vaultAddress });
    const validUntilMs = parts.clock() + 60_000n;
    const signature = sign(digests.session(to, validUntilMs), key);
    const metadata = new Metadata();
    metadata.set(SESSION_TRAILER, formatSession({ account: to, validUntilMs, signature }));
    return metadata;
  }

  async proofOf(parts: Parts, asked: Claimable) {
    const id = Buffer.from(asked.id, 'hex');
    const claim = await parts.claimProofs.prove(this.session(parts, asked), id);
    if (!claim.ok) throw new Error(claim.detail);
    return claim.value;
  }

  /** Claims as anybody may; returns the transaction's id. Rejects when the vault refuses. */
  async claim(parts: Parts, asked: Claimable): Promise<string> {
    const { leaf, proof } = await this.proofOf(parts, asked);
    return this.world.faucet.trigger(this.world.place.vaultAddress, claimData(leaf, proof));
  }

  /** Last moment of the set of a withdrawal, in milliseconds of the chain. */
  async deadlineMs(parts: Parts, asked: Claimable): Promise<number> {
    return Number((await this.proofOf(parts, asked)).claimableUntilMs);
  }

  /** Moves the chain behind the deadline of a withdrawal. */
  async pass(parts: Parts, asked: Claimable): Promise<void> {
    await this.world.devchain.mine(1, (await this.deadlineMs(parts, asked)) + 1_000);
    await this.world.devchain.mine(5);
  }

  /** Some rounds in which nothing more may happen. */
  async idle(parts: Parts): Promise<void> {
    for (let round = 0; round < 6; round++) await tick(this.world, parts);
  }

  /** How often a release was signed. */
  async releases(parts: Parts): Promise<number> {
    const rows = await parts.database.sql`select from settlement.release_attempts`;
    return rows.length;
  }

  #keyOf(address: string): Uint8Array {
    for (let number = this.first; number <= this.#next; number++) {
      if (payee(number) !== address) continue;
      return keyPairOf(fromHex((0x10_000 + number).toString(16).padStart(64, '0'))).privateKey;
    }
    throw new Error(`nobody has the key of ${address}`);
  }
}

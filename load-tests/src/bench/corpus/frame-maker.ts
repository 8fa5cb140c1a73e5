import { createKeccak } from 'hash-wasm';
import {
  PACKED_BUNDLE,
  PACKED_BUNDLE_ENTRY,
  PACKED_TICK,
  PACKED_VOUCHER,
  StreamPackedRequest,
} from '#libs/contracts';
import { sha256 } from '#libs/crypto';
import { bundleRoot, Digests, domainSeparator, TYPES, typeHash, uintWord } from '#libs/domain';
import { type Party, type Payer, payerOfGroup } from './accounts.js';
import { CHANNEL_RECORD, endsOf } from './channels.js';
import { Draws } from './draws.js';
import { type CorpusPlan, channelAt, groupsOfStream, groupsPerFrame } from './plan.js';
import type { TickChains } from './tick-chains.js';

/** Sequence of a stream's first frame of payments; what opens handles comes before. */
export const FIRST_FRAME_SEQUENCE = 1_000_000n;

const NOTHING = Buffer.alloc(0);

/** Keccak-256; {@link fastKeccak} or any other. */
export type Keccak = (bytes: Uint8Array) => Uint8Array;

/** Keccak-256 in WebAssembly, seven times as fast as in JavaScript. */
export async function fastKeccak(): Promise<Keccak> {
  const hasher = await createKeccak(256);
  return (bytes) => hasher.init().update(bytes).digest('binary');
}

/** What the frames of a stream are made from. */
export type StreamParts = {
  readonly records: Uint8Array;
  readonly payers: readonly Payer[];
  readonly payees: readonly Party[];
  readonly chains: TickChains | undefined;
  readonly keccak: Keccak;
};

/** Makes the frames of one stream in order: whole messages, ready to be sent. */
export class FrameMaker {
  readonly #draws: Draws;
  /** Payments so far of each channel of a group. */
  readonly #paid: Uint32Array;
  readonly #digest: VoucherDigest;
  readonly #digests: Digests;
  #frame = 0;

  constructor(
    private readonly plan: CorpusPlan,
    private readonly stream: number,
    private readonly parts: StreamParts,
  ) {
    this.#draws = new Draws(plan, stream);
    this.#paid = new Uint32Array(groupsOfStream(plan));
    this.#digest = new VoucherDigest(plan, parts.keccak);
    this.#digests = new Digests(plan.domain);
  }

  /** Passes over frames without making them; costs only their draws. */
  skip(frames: number): void {
    for (let frame = 0; frame < frames; frame++) {
      for (const group of this.#draws.next()) this.#pay(group);
    }
    this.#frame += frames;
  }

  /** The next frame. Throws a RangeError after the last one of the plan. */
  next(): Uint8Array {
    if (this.#frame >= this.plan.framesMax) throw new RangeError('the corpus has no more frames');
    const content = this.#records();
    const sequence = FIRST_FRAME_SEQUENCE + BigInt(this.#frame);
    this.#frame += 1;
    const { proof } = this.plan;
    const only = (kind: typeof proof) => (kind === proof ? content : NOTHING);
    const value = { vouchers: only('voucher'), ticks: only('tick'), bundles: only('bundle') };
    return StreamPackedRequest.encode({ sequence, content: { $case: 'batch', value } }).finish();
  }

  #records(): Buffer {
    const { plan } = this;
    const runBytes = {
      voucher: plan.run * PACKED_VOUCHER.bytes,
      tick: plan.run * PACKED_TICK.bytes,
      bundle: PACKED_BUNDLE.bytes + plan.groupChannels * PACKED_BUNDLE_ENTRY.bytes,
    }[plan.proof];
    const bytes = Buffer.alloc(groupsPerFrame(plan) * runBytes);
    const write = { voucher: this.#vouchers, tick: this.#ticks, bundle: this.#bundle }[plan.proof];
    let at = 0;
    for (const group of this.#draws.next()) {
      write.call(this, group, bytes.subarray(at, at + runBytes));
      this.#pay(group);
      at += runBytes;
    }
    return bytes;
  }

  #pay(group: number): void {
    this.#paid[group] = (this.#paid[group] ?? 0) + this.plan.run;
  }

  #vouchers(handle: number, bytes: Buffer): void {
    const { plan, parts } = this;
    const { payer, payee } = endsOf(plan, channelAt(plan, this.stream, handle), parts);
    for (let step = 0; step < plan.run; step++) {
      const at = step * PACKED_VOUCHER.bytes;
      const cumulative = (this.#paid[handle] ?? 0) + step + 1;
      bytes.writeUInt32BE(handle, at + PACKED_VOUCHER.handle);
      bytes.writeBigInt64BE(BigInt(cumulative), at + PACKED_VOUCHER.cumulativeUnits);
      bytes.writeBigInt64BE(plan.validUntilMs, at + PACKED_VOUCHER.validUntilMs);
      const digest = this.#digest.of(this.#id(handle), payee.word, cumulative);
      payer.signer.sign(digest, bytes, at + PACKED_VOUCHER.signature);
    }
  }

  #ticks(handle: number, bytes: Buffer): void {
    const { chains } = this.parts;
    if (chains === undefined) throw new Error('ticks need chains');
    for (let step = 0; step < this.plan.run; step++) {
      const at = step * PACKED_TICK.bytes;
      const index = (this.#paid[handle] ?? 0) + step + 1;
      bytes.writeUInt32BE(handle, at + PACKED_TICK.handle);
      bytes.writeUInt32BE(index, at + PACKED_TICK.index);
      bytes.set(chains.preimage(handle, index), at + PACKED_TICK.preimage);
    }
  }

  #bundle(group: number, bytes: Buffer): void {
    const { plan } = this;
    const cumulativeUnits = BigInt((this.#paid[group] ?? 0) + 1);
    const first = group * plan.groupChannels;
    const leaves = [];
    for (let entry = 0; entry < plan.groupChannels; entry++) {
      const at = PACKED_BUNDLE.bytes + entry * PACKED_BUNDLE_ENTRY.bytes;
      bytes.writeUInt32BE(first + entry, at + PACKED_BUNDLE_ENTRY.handle);
      bytes.writeBigInt64BE(cumulativeUnits, at + PACKED_BUNDLE_ENTRY.cumulativeUnits);
      leaves.push({ channelId: this.#id(first + entry), cumulativeUnits });
    }
    const { validUntilMs } = plan;
    bytes.writeBigInt64BE(validUntilMs, PACKED_BUNDLE.validUntilMs);
    bytes.writeUInt32BE(leaves.length, PACKED_BUNDLE.count);
    const root = bundleRoot(leaves, sha256);
    const digest = this.#digests.bundle({ root, count: leaves.length, validUntilMs });
    const payer = this.parts.payers[payerOfGroup(plan, group * plan.streams + this.stream)];
    payer?.signer.sign(digest, bytes, PACKED_BUNDLE.signature);
  }

  #id(handle: number): Uint8Array {
    const at = handle * CHANNEL_RECORD.bytes + CHANNEL_RECORD.id;
    return this.parts.records.subarray(at, at + 32);
  }
}

/** `Digests.voucher` with buffers that are filled once: a corpus has millions of them. */
class VoucherDigest {
  readonly #struct = Buffer.alloc(160);
  readonly #outer = Buffer.alloc(66);

  constructor(
    plan: CorpusPlan,
    private readonly keccak: Keccak,
  ) {
    this.#struct.set(typeHash(TYPES.Voucher), 0);
    this.#struct.set(uintWord(plan.validUntilMs), 128);
    this.#outer.set([0x19, 0x01], 0);
    this.#outer.set(domainSeparator(plan.domain), 2);
  }

  of(channelId: Uint8Array, payeeWord: Uint8Array, cumulative: number): Uint8Array {
    this.#struct.set(channelId, 32);
    this.#struct.set(payeeWord, 64);
    this.#struct.writeBigUInt64BE(BigInt(cumulative), 120);
    this.#outer.set(this.keccak(this.#struct), 34);
    return this.keccak(this.#outer);
  }
}

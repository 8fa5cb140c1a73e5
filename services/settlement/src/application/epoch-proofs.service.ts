import type { Metadata } from '@grpc/grpc-js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import {
  accept,
  addressBytes,
  CHILD_BYTES,
  concatBytes,
  type Digests,
  equalBytes,
  levelCounts,
  proofStep,
  type Result,
  refuse,
  siblingsOf,
} from '#libs/domain';
import { saltOf } from '../domain/epoch.js';
import { BATCH } from '../domain/states.js';
import type { EpochRepository, StoredEpoch } from '../repositories/epoch.repository.js';
import type { EpochProofRepository } from '../repositories/epoch-proof.repository.js';
import type { Clock } from './clock.js';
import { callerOf } from './session-caller.js';
import { firstPlaceOf, LEAF_KINDS, pieceOf } from './tree-writer.js';

/** A leaf and its proof, as docs/vault.md lays them out. */
export type Inclusion = {
  readonly epoch: StoredEpoch;
  readonly leaf: Uint8Array;
  readonly proof: Uint8Array;
};

/** How leaves without their salts are found: their length, and where the id and the parties stand. */
const ACCOUNT = { kind: LEAF_KINDS.account, bytes: 28, idBytes: 20, parties: [0] } as const;
const CHANNEL = { kind: LEAF_KINDS.channel, bytes: 88, idBytes: 32, parties: [32, 52] } as const;

/** Proves to owners that they are in an epoch. */
export class EpochProofsService {
  constructor(
    private readonly epochs: EpochRepository,
    private readonly proofs: EpochProofRepository,
    private readonly digests: Digests,
    private readonly clock: Clock,
  ) {}

  /**
   * The leaf of the caller's account, or of a channel that it pays or is paid by. UNAUTHENTICATED, MALFORMED,
   * NOT_FOUND: no such epoch, its leaves are no longer kept, or nothing was owed there then.
   */
  async prove(
    metadata: Metadata,
    epochNo: bigint,
    channelId: Uint8Array,
  ): Promise<Result<Inclusion>> {
    const caller = callerOf(metadata, this.digests, this.clock());
    if (!caller.ok) return caller;
    if (channelId.length !== 0 && channelId.length !== 32) {
      return refuse('MALFORMED', 'channel_id must have 32 bytes, or none');
    }
    const epoch = await this.epochs.find(epochNo === 0n ? undefined : epochNo);
    if (epoch?.state !== BATCH.solidified) {
      return refuse('NOT_FOUND', 'there is no such epoch on the solidified chain');
    }
    const own = addressBytes(caller.value);
    const ofChannel = channelId.length > 0;
    const content = ofChannel
      ? await this.#content(epoch, CHANNEL, channelId, Buffer.from(channelId).toString('hex'))
      : await this.#content(epoch, ACCOUNT, own, caller.value);
    const { parties } = ofChannel ? CHANNEL : ACCOUNT;
    const isParty = parties.some(
      (at) => content !== undefined && equalBytes(content.subarray(at, at + own.length), own),
    );
    // Whose channel it is, and whether it exists, is nobody else's business.
    if (content === undefined || !isParty) {
      return refuse(
        'NOT_FOUND',
        'the epoch has no such leaf of this account, or is no longer kept',
      );
    }
    const kind = ofChannel ? 0x02 : 0x00;
    const salt = saltOf(epoch.secret, { kind, id: ofChannel ? channelId : own });
    const leaf = concatBytes(Uint8Array.of(kind), salt, content);
    return accept({ epoch, leaf, proof: await this.#proof(epoch, leaf) });
  }

  async #content(
    epoch: StoredEpoch,
    form: typeof ACCOUNT | typeof CHANNEL,
    id: Uint8Array,
    key: string,
  ): Promise<Buffer | undefined> {
    const piece = await this.proofs.leavesAt(epoch.buildNo, form.kind, key);
    for (let at = 0; piece !== undefined && at < piece.length; at += form.bytes) {
      const content = piece.subarray(at, at + form.bytes);
      if (equalBytes(content.subarray(0, form.idBytes), id)) return content;
    }
    return undefined;
  }

  async #proof({ buildNo, leaves }: StoredEpoch, leaf: Uint8Array): Promise<Uint8Array> {
    const hash = keccak_256(leaf);
    const bottom = await this.proofs.bottomAt(buildNo, hash);
    const inPiece = bottom === undefined ? -1 : placeIn(bottom.nodes, hash);
    if (bottom === undefined || inPiece < 0) throw new Error('a stored leaf has no node');
    const place = firstPlaceOf(bottom.chunkNo) + inPiece;
    const siblings = siblingsOf(place, levelCounts(leaves)).flatMap((sibling, level) =>
      sibling === undefined ? [] : [{ level, sibling, ...pieceOf(sibling) }],
    );
    const pieces = await this.proofs.pieces(buildNo, siblings);
    const steps = siblings.map(({ level, sibling, chunkNo, offset }) => {
      const piece = pieces.find((each) => each.level === level && each.chunkNo === chunkNo);
      if (piece === undefined) throw new Error(`level ${level} of a stored tree has a hole`);
      return proofStep(sibling, piece.nodes.subarray(offset, offset + CHILD_BYTES));
    });
    return concatBytes(...steps);
  }
}

function placeIn(nodes: Buffer, hash: Uint8Array): number {
  for (let at = 0; at < nodes.length; at += CHILD_BYTES) {
    if (equalBytes(nodes.subarray(at, at + hash.length), hash)) return at / CHILD_BYTES;
  }
  return -1;
}

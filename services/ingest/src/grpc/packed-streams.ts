import { accept, type Digests, type Result, refuse } from '#libs/domain';
import { type PackedCall, PackedStream, type PackedStreamParts } from './packed-stream.js';
import { sessionOf } from './stream-session.js';

// Finding out whose a session is takes about as long as so many signature checks.
const SESSION_CHECKS = 4;

/** Opens packed streams for those who show a session. */
export class PackedStreams {
  constructor(
    private readonly digests: Digests,
    private readonly parts: PackedStreamParts,
  ) {}

  /** Refuses with UNAUTHENTICATED, or OVERLOADED after too many failures of the connection. */
  open(call: PackedCall): Result<PackedStream> {
    const { senders, clock } = this.parts;
    const nowMs = clock.nowMs();
    const connection = senders.ofStreams(call.getPeer());
    if (connection.isSpent(Number(nowMs))) {
      return refuse('OVERLOADED', 'too many failures of this connection; wait a few seconds');
    }
    const session = sessionOf(call.metadata, this.digests, nowMs);
    if (session.ok) return accept(new PackedStream(call, session.value, this.parts));
    connection.charge(SESSION_CHECKS, Number(nowMs));
    return session;
  }
}

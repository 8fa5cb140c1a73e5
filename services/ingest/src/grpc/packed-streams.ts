import { accept, type Result } from '#libs/domain';
import { type PackedCall, PackedStream, type PackedStreamParts } from './packed-stream.js';
import type { Sessions } from './sessions.js';

/** Opens packed streams for those who show a session. */
export class PackedStreams {
  constructor(
    private readonly sessions: Sessions,
    private readonly parts: PackedStreamParts,
  ) {}

  /** Refuses as {@link Sessions.of} does. */
  open(call: PackedCall): Result<PackedStream> {
    const session = this.sessions.of(call);
    return session.ok ? accept(new PackedStream(call, session.value, this.parts)) : session;
  }
}

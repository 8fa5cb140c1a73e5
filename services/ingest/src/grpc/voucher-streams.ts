import { accept, type Result } from '#libs/domain';
import type { Sessions } from './sessions.js';
import { type VoucherCall, VoucherStream, type VoucherStreamParts } from './voucher-stream.js';

/** Opens typed streams, for those who show a session and for those who do not. */
export class VoucherStreams {
  constructor(
    private readonly sessions: Sessions,
    private readonly parts: VoucherStreamParts,
  ) {}

  /** Refuses as {@link Sessions.caller} does. */
  open(call: VoucherCall): Result<VoucherStream> {
    const caller = this.sessions.caller(call);
    return caller.ok ? accept(new VoucherStream(call, caller.value, this.parts)) : caller;
  }
}

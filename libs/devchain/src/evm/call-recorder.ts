import type { EVM } from '@ethereumjs/evm';
import { addressKey } from '../codec/address.js';
import type { InternalCall } from '../execution/outcome.js';

const RECORDED_MAX = 2_000;

/** Writes down the calls that contracts make while a transaction runs. */
export class CallRecorder {
  private calls: { -readonly [K in keyof InternalCall]: InternalCall[K] }[] = [];
  /** Where the calls of each running frame begin. */
  private frames: number[] = [];

  constructor(events: EVM['events']) {
    events.on('beforeMessage', (message) => {
      this.frames.push(this.calls.length);
      if (message.depth === 0 || this.calls.length >= RECORDED_MAX) return;
      this.calls.push({
        from: addressKey(message.caller.bytes),
        to: message.to === undefined ? '' : addressKey(message.to.bytes),
        valueSun: message.delegatecall ? 0n : message.value,
        note: message.to === undefined ? 'create' : 'call',
        rejected: false,
      });
    });
    events.on('afterMessage', ({ execResult, createdAddress }) => {
      const start = this.frames.pop() ?? 0;
      const own = this.frames.length > 0 ? this.calls[start] : undefined;
      if (own?.note === 'create' && createdAddress !== undefined) {
        own.to = addressKey(createdAddress.bytes);
      }
      if (execResult.exceptionError === undefined) return;
      for (const call of this.calls.slice(start)) call.rejected = true;
    });
  }

  /** @returns what was recorded since the last time, in the order in which it began */
  take(): readonly InternalCall[] {
    const { calls } = this;
    this.calls = [];
    this.frames = [];
    return calls;
  }
}

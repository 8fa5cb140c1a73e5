import { expect, it } from 'vitest';
import { reasonToWire } from '#libs/contracts';
import { refuse } from '#libs/domain';
import { channelKey, PackedCall } from './packed.call.js';
import { newId } from './wallet.js';

// A server that has just started refuses handles for the moment. Somebody else may have asked for the
// channel again when a payment that was told so is packed: that handle may be refused as well.
it('does not pay by a handle that is only asked for', () => {
  const call = new PackedCall<string>();
  const channelId = newId();
  const opening = call.open([channelId], 0);
  const refusal = { reason: reasonToWire('UNAVAILABLE'), detail: 'not yet', acceptedUnits: 0n };
  const refused = call.opened({
    sequence: opening.sequence,
    firstHandle: 0n,
    accepted: Buffer.alloc(16),
    refused: [{ item: 0, refusal }],
  });
  expect(refused).toEqual(new Map([[channelKey(channelId), refuse('UNAVAILABLE', 'not yet')]]));
  call.open([channelId], 1);
  const payee = 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8';
  const signature = Buffer.alloc(64, 1);
  const voucher = { channelId, payee, cumulativeUnits: 1n, validUntilMs: 2n, signature };
  expect(call.batch('entry', { vouchers: [voucher] }, refused)).toEqual([
    { status: 'refused', reason: 'UNAVAILABLE', detail: 'not yet', acceptedUnits: 0n },
  ]);
});

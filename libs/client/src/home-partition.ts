import { type Address, addressBytes, channelIdOf, partitionOf } from '#libs/domain';
import { newId } from './wallet.js';

/** The partition of the voucher log that a payer's channels share, so that one bundle pays them all. */
export function homePartition(payer: Address, partitions: number): number {
  return partitionOf(addressBytes(payer), partitions);
}

/** A new salt whose channel lies in a partition: about as many tries as there are partitions. */
export function saltFor(
  ends: { readonly payer: Address; readonly payee: Address },
  partition: number,
  partitions: number,
): Buffer {
  if (!(partition >= 0 && partition < partitions)) {
    throw new RangeError(`partition ${partition} of ${partitions}`);
  }
  for (;;) {
    const salt = newId();
    const id = channelIdOf(ends.payer, ends.payee, salt);
    if (partitionOf(id, partitions) === partition) return salt;
  }
}

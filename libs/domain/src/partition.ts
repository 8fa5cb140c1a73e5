/** Partition of a channel: the first four bytes of its id, modulo the number of partitions. */
export function partitionOf(channelId: Uint8Array, partitions: number): number {
  const view = new DataView(channelId.buffer, channelId.byteOffset, channelId.byteLength);
  return view.getUint32(0) % partitions;
}

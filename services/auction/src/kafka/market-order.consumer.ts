import type { Kafka } from 'kafkajs';
import { MarketOrder, TOPICS } from '#libs/contracts';
import { type Digests, isAddress, toHex } from '#libs/domain';
import { type InRecord, type LogWatch, PartitionConsumer, watched } from '#libs/kafka';
import type { Logger } from '#libs/observability';
import type { BookWriterService, DecodedRecord } from '../application/book-writer.service.js';
import type { LogCommand } from '../domain/log-record.js';
import { askOf, bidOf, checkOrderId } from '../domain/order-request.js';

/** The consumer that feeds the order log to the books. */
export function marketOrderConsumer(
  kafka: Kafka,
  writer: BookWriterService,
  watch: LogWatch,
  options: { readonly logger: Logger; readonly topic?: string; readonly groupId?: string },
): PartitionConsumer {
  return new PartitionConsumer({
    kafka,
    topic: options.topic ?? TOPICS.marketOrders.name,
    groupId: options.groupId ?? 'auction-orders',
    logger: options.logger,
    recordsPerApplyMax: 512,
    handler: watched(writer, watch),
  });
}

/** Decodes records of the order log under a signing domain; what is unreadable is named, not dropped. */
export function orderDecoder(digests: Digests): (record: InRecord) => DecodedRecord {
  return (record) => {
    try {
      return { ok: true, command: commandOf(record, digests) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const content = record.value ?? Buffer.alloc(0);
      const atMs = BigInt(record.timestampMs);
      return { ok: false, bad: { offset: record.offset, reason, content, atMs } };
    }
  };
}

function commandOf({ value }: InRecord, digests: Digests): LogCommand {
  if (value === null) throw new TypeError('the record has no value');
  const { atMs, order } = MarketOrder.decode(value);
  if (order === undefined) throw new TypeError('the record is no market order');
  const refusal = checkOrderId(order.value.orderId);
  if (refusal !== undefined) throw new TypeError(refusal.detail);
  switch (order.$case) {
    case 'ask': {
      if (!isAddress(order.value.provider)) throw new TypeError('the provider is no address');
      return { kind: 'place', placed: askOf(order.value, atMs, digests) };
    }
    case 'bid': {
      if (!isAddress(order.value.requester)) throw new TypeError('the requester is no address');
      return { kind: 'place', placed: bidOf(order.value, atMs, digests) };
    }
    case 'cancel':
      return { kind: 'cancel', orderId: toHex(order.value.orderId) };
  }
}

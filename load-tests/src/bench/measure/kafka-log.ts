import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of the voucher log on disk below a broker's folder; undefined when it is not on this machine. */
export function voucherLogBytes(kafkaFolder: string): number | undefined {
  if (!existsSync(kafkaFolder)) return undefined;
  const partitions = readdirSync(kafkaFolder, { recursive: true, withFileTypes: true }).filter(
    (entry) =>
      entry.isFile() && entry.name.endsWith('.log') && /\/vouchers-\d+$/.test(entry.parentPath),
  );
  if (partitions.length === 0) return undefined;
  return partitions.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}

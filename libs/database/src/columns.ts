import { bigint, customType } from 'drizzle-orm/pg-core';

/** A bytea column as a Buffer. */
export const bytea = customType<{ data: Buffer; driverData: Buffer }>({
  dataType: () => 'bytea',
});

/** A bigint column as a JavaScript bigint: units, numbers, times in milliseconds. */
export const int8 = (name: string) => bigint(name, { mode: 'bigint' });

import { pgSchema } from 'drizzle-orm/pg-core';

/** The schema of the settlement service. */
export const settlement = pgSchema('settlement');

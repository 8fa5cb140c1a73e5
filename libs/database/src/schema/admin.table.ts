import { integer, pgSchema, text } from 'drizzle-orm/pg-core';
import { bytea, int8 } from '../columns.js';

/** Tables of the admin service; migrations/0004_admin.sql creates them and says what they mean. */
export const admin = pgSchema('admin');

export const sessions = admin.table('sessions', {
  tokenHash: bytea('token_hash').primaryKey(),
  actor: text('actor').notNull(),
  role: text('role', { enum: ['viewer', 'operator'] }).notNull(),
  address: text('address').notNull(),
  createdAtMs: int8('created_at_ms').notNull(),
  expiresAtMs: int8('expires_at_ms').notNull(),
});

export const loginAttempts = admin.table('login_attempts', {
  address: text('address').primaryKey(),
  failures: integer('failures').notNull(),
  firstFailureAtMs: int8('first_failure_at_ms').notNull(),
  lockedUntilMs: int8('locked_until_ms').notNull().default(0n),
});

export const audit = admin.table('audit', {
  auditNo: int8('audit_no').primaryKey(),
  atMs: int8('at_ms').notNull(),
  actor: text('actor').notNull(),
  role: text('role').notNull(),
  address: text('address').notNull(),
  action: text('action').notNull(),
  outcome: text('outcome').notNull(),
  detail: text('detail').notNull(),
  rowHash: bytea('row_hash').notNull(),
});

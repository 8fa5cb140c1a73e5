/** Numbers of stored states; migrations/0003_settlement.sql and those after it say what they mean. */

export const DEPOSIT = {
  seen: 1,
  credited: 2,
  suspense: 3,
  dust: 4,
  held: 5,
  misdirected: 6,
  resolving: 7,
  dismissed: 8,
} as const;

export const BATCH = {
  planned: 1,
  signed: 2,
  broadcast: 3,
  confirmed: 4,
  solidified: 5,
  failed: 6,
} as const;

export const PAYOUT = {
  queued: 1,
  planned: 2,
  batched: 3,
  paid: 4,
  refunded: 5,
  cancelled: 6,
  held: 7,
  claimable: 8,
} as const;

export const OUTCOME = { open: 0, paid: 1, failed: 2, expired: 3 } as const;

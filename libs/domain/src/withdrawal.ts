/** States of a withdrawal in the order of its life but for the last; numbers as on the wire and in the table. */
export const WITHDRAWAL_STATES = {
  requested: 1,
  queued: 2,
  planned: 3,
  signed: 4,
  broadcast: 5,
  confirmed: 6,
  solidified: 7,
  refunded: 8,
  cancelled: 9,
  /** Between confirmed and its end, though its number is a later one. */
  claimable: 10,
} as const;

/** Name of a state. */
export type WithdrawalState = keyof typeof WITHDRAWAL_STATES;

/** Name of a stored state. */
export function withdrawalStateOf(stored: number): WithdrawalState {
  const found = Object.entries(WITHDRAWAL_STATES).find(([, number]) => number === stored);
  if (found === undefined) throw new Error(`unknown withdrawal state ${stored}`);
  return found[0] as WithdrawalState;
}

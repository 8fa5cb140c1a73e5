/** States of a withdrawal in the order of its life; numbers as on the wire and in the table. */
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
} as const;

/** Name of a state. */
export type WithdrawalState = keyof typeof WITHDRAWAL_STATES;

/** Name of a stored state. */
export function withdrawalStateOf(stored: number): WithdrawalState {
  const found = Object.entries(WITHDRAWAL_STATES).find(([, number]) => number === stored);
  if (found === undefined) throw new Error(`unknown withdrawal state ${stored}`);
  return found[0] as WithdrawalState;
}

/** What to do when settlement reports a state. */
export type AdvanceDecision =
  | { readonly do: 'nothing' }
  | { readonly do: 'advance' }
  | { readonly do: 'pay' }
  | { readonly do: 'refund' };

/**
 * Decides what a reported state does to a withdrawal. A report of a state already passed changes
 * nothing, so reports may be repeated; an ended withdrawal never moves again, so a late report can
 * neither pay a refunded nor refund a paid one.
 */
export function decideAdvance(
  present: WithdrawalState,
  reported: WithdrawalState,
): AdvanceDecision {
  if (isFinal(present)) return { do: 'nothing' };
  switch (reported) {
    case 'solidified':
      return { do: 'pay' };
    case 'refunded':
      return { do: 'refund' };
    case 'requested':
    case 'cancelled':
      return { do: 'nothing' };
    case 'queued':
    case 'planned':
    case 'signed':
    case 'broadcast':
    case 'confirmed':
      return WITHDRAWAL_STATES[reported] > WITHDRAWAL_STATES[present]
        ? { do: 'advance' }
        : { do: 'nothing' };
  }
}

/** True when nothing can change the withdrawal any more. */
export function isFinal(state: WithdrawalState): boolean {
  return state === 'solidified' || state === 'refunded' || state === 'cancelled';
}

/** True while its owner may take it back. */
export function isCancellable(state: WithdrawalState): boolean {
  return state === 'requested' || state === 'queued';
}

import { WITHDRAWAL_STATES, type WithdrawalState } from '#libs/domain';

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
    case 'claimable':
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

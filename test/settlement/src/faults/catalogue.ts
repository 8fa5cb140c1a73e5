import { CHAIN_FAULTS } from './chain.fault.js';
import { CLAIM_FAULTS } from './claim.fault.js';
import { DEPOSIT_FAULTS } from './deposit.fault.js';
import { EPOCH_FAULTS } from './epoch.fault.js';
import type { Fault } from './fault.js';
import { HALF_FAULTS } from './half.fault.js';
import { KILLS } from './kill.fault.js';
import { LEADER_FAULTS } from './leader.fault.js';
import { NODE_FAULTS } from './node.fault.js';
import { OPERATOR_FAULTS } from './operator.fault.js';
import { WALLET_FAULTS } from './wallet.fault.js';

/** Every kind of round; those with two processes last, since the second one is never taken away again. */
export const FAULTS: readonly Fault[] = [
  ...KILLS,
  ...HALF_FAULTS,
  ...CHAIN_FAULTS,
  ...NODE_FAULTS,
  ...WALLET_FAULTS,
  ...OPERATOR_FAULTS,
  ...DEPOSIT_FAULTS,
  ...CLAIM_FAULTS,
  ...EPOCH_FAULTS,
  ...LEADER_FAULTS,
];

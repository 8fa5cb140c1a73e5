export type { Fault, FaultKind, ForcedResult } from './chain/faults.js';
export type { ForkTransactions } from './chain/node.js';
export { addressOfPublicKey, parseAddress, toBase58 } from './codec/address.js';
export { type Devchain, startDevchain } from './devchain.js';
export {
  chainIdOf,
  FAUCET_ADDRESS,
  FAUCET_PRIVATE_KEY,
  FAUCET_TRX_SUN,
  GENESIS_TIMESTAMP_MS,
  TRC10_ID,
  TRC10_LOOKALIKE_ID,
  TRC10_SUPPLY_UNITS,
} from './genesis.js';
export type { DevchainOptions } from './options.js';

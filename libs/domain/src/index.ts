export {
  type Address,
  addressBytes,
  addressFromBytes,
  addressOfPublicKey,
  isAddress,
  parseAddress,
} from './address.js';
export { type BundleLeaf, bundleRoot } from './bundle.js';
export { concatBytes, equalBytes, fromHex, toHex } from './bytes.js';
export {
  type AccountLeaf,
  type ChannelLeaf,
  foldProof,
  leafBytes,
  leafUnits,
  type PayoutLeaf,
  type SumLeaf,
  type SumRoot,
  SumTree,
  verifyLeaf,
} from './liabilities-tree.js';
export { assertLimits, LIMITS, LOG_ENTRY_BYTES } from './limits.js';
export {
  ASSET_NUMBERS,
  type ChannelTerms,
  channelIdOf,
  type Delegation,
  Digests,
  type Revocation,
  type TickCommitment,
  type TickTerms,
  TYPES,
  type VoucherClaim,
} from './messages.js';
export {
  ASSETS,
  type AssetName,
  BASE_UNITS_PER_UNIT,
  baseUnits,
  formatUnits,
  isAmount,
  SUPPLY_UNITS,
  UNITS_MAX,
  type Units,
  unitsFloor,
} from './money.js';
export { partitionOf } from './partition.js';
export { REASONS, type Reason } from './reasons.js';
export { accept, type Refusal, type Result, refuse } from './result.js';
export {
  CHILD_BYTES,
  climb,
  HASH_BYTES,
  levelCounts,
  proofStep,
  SumLevel,
  siblingsOf,
} from './sum-levels.js';
export { type Hash32, hashesForward, tickChain, tickUnits } from './tick.js';
export {
  addressWord,
  bytesWord,
  domainSeparator,
  type SigningDomain,
  typedDataDigest,
  typeHash,
  uintWord,
} from './typed-data.js';
export { checkValidity } from './validity.js';
export { WITHDRAWAL_STATES, type WithdrawalState, withdrawalStateOf } from './withdrawal.js';

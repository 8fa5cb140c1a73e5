export {
  abiAddress,
  BATCH_PAID_TOPIC,
  callData,
  type FailedPayout,
  payBatchData,
  readAddress,
  readBatchPaid,
  readDeposited,
  readPayoutFailed,
  readTrc20Transfer,
  readUint,
  readUints,
  TRANSFER_TOPIC,
  type Trc20Transfer,
  type VaultDeposit,
  type VaultPayout,
} from './abi.js';
export type {
  AccountPermissions,
  BlockRef,
  BroadcastAnswer,
  ChainAccount,
  ChainLog,
  ChainPrices,
  ChainResources,
  ChainTransaction,
  Inclusion,
  Permission,
  SolidBlock,
  Trc10Transfer,
  TronChain,
} from './chain.js';
export {
  type DecodedTransaction,
  decodeTransaction,
  UnreadableTransactionError,
} from './decode.js';
export { isDevelopmentChain } from './development-chain.js';
export { type NodeFailure, TronNodeError } from './errors.js';
export { encryptKey, KeystoreError, keystoreAddress, openKeystore } from './keys/keystore.js';
export { passwordOf, promptSecret } from './keys/prompt.js';
export type { NodeOptions } from './node-provider.js';
export { nodesOf, nodesShape } from './nodes.js';
export { connectChain, readApiKeys } from './quorum/connect.js';
export type { NodeReport } from './quorum/node-pool.js';
export { QuorumChain, type QuorumPolicy } from './quorum/quorum-chain.js';
export { isSignedBy, KeySigner, type Signer, SignerError } from './signer.js';
export {
  buildTransaction,
  type ChainCall,
  signedTransactionHex,
  type TransactionTerms,
  txidOf,
  type UnsignedTransaction,
} from './transaction.js';
export { TronWebChain } from './tronweb-chain.js';
export { encodeVaultCall, readVaultCall, type VaultCall } from './vault-call.js';
export {
  type ClaimedLine,
  type ClaimSet,
  claimData,
  claimSetOf,
  type ReleasedClaims,
  readClaimed,
  readClaimsCommitted,
  readClaimsReleased,
} from './vault-claims.js';
export { ChainWallet, type Deployable } from './wallet.js';

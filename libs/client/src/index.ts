export { AccountClient, type ChannelOrder, type WithdrawalOrder } from './account.client.js';
export { type ClientSettings, SessionSource } from './connection.js';
export {
  isTransient,
  LedgerError,
  LedgerRefusal,
  LedgerUnavailable,
  OutcomeUnknown,
} from './errors.js';
export { homePartition, saltFor } from './home-partition.js';
export { LedgerClient, type Network } from './ledger.client.js';
export { MarketClient } from './market.client.js';
export {
  owedAtLeast,
  type PaymentOutcome,
  type PaymentResults,
  type Payments,
} from './outcomes.js';
export {
  bundleBytes,
  type PackedItem,
  type PackedPayments,
  packedBytes,
  packPayments,
  writeBundle,
  writeTick,
  writeVoucher,
} from './packed.codec.js';
export {
  type OpenedChannel,
  PackedStream,
  type PackedStreamSettings,
} from './packed.stream.js';
export { PayingChannel, type PayingTerms, TickChain } from './paying-channel.js';
export { type CallPolicy, DEFAULT_POLICY } from './policy.js';
export { ReceivingChannel, type ReceivingTerms } from './receiving-channel.js';
export {
  type ClaimProof,
  type ClaimSetOnChain,
  type InclusionProof,
  type ProofOf,
  SettlementClient,
} from './settlement.client.js';
export { ticksUpTo } from './ticks-up-to.js';
export { VoucherClient } from './voucher.client.js';
export { type StreamSettings, VoucherStream } from './voucher.stream.js';
export { newId, type SessionKeyTerms, Wallet } from './wallet.js';

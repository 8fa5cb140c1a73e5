import { buildTransaction, type Signer, signedTransactionHex, type TronChain } from '#libs/tron';
import type { Use } from '../domain/costs.js';
import { Purse } from '../domain/purse.js';
import type { SignedAttempt } from '../repositories/attempt-steps.js';
import type { Clock } from './clock.js';
import type { ChainPlace } from './ports.js';
import type { WalletCheckService } from './wallet-check.service.js';

/** A call of the vault that pays nobody: an epoch's commitment, a release of claims. */
export type VaultCall = {
  readonly data: Uint8Array;
  /** The most that it may use. */
  readonly use: Use;
  readonly attempt: number;
  /** What stops payouts and does not stop this, because this is what mends it. */
  readonly mends?: string;
};

/** Makes and signs transactions that call the vault and pay nobody. Nothing is stored or sent from here. */
export class VaultCallService {
  constructor(
    private readonly chain: TronChain,
    private readonly wallet: WalletCheckService,
    private readonly signer: Signer,
    private readonly place: ChainPlace,
    private readonly expirationMs: bigint,
    private readonly clock: Clock,
  ) {}

  /** The signed transaction, or why it cannot be signed now. Throws a SignerError or a TronNodeError. */
  async sign({ data, use, attempt, mends }: VaultCall): Promise<SignedAttempt | string> {
    const [reference, head, state] = await Promise.all([
      this.chain.solidHead(),
      this.chain.head(),
      this.wallet.read(),
    ]);
    const blocked = state.blocked === mends ? undefined : state.blocked;
    const why = blocked ?? new Purse(state, state.prices).lack('TRC20_BTT', 0n, use)?.text;
    if (why !== undefined) return why;
    const expirationMs = head.timestampMs + this.expirationMs;
    const feeLimitSun = use.energy * state.prices.energySun;
    const { raw, txid } = buildTransaction({
      owner: this.signer.address,
      call: { kind: 'trigger', contract: this.place.vault, data },
      reference,
      expirationMs,
      timestampMs: this.clock(),
      feeLimitSun,
    });
    const signature = await this.signer.sign(raw);
    const signed = Buffer.from(signedTransactionHex(raw, signature), 'hex');
    return { attempt, txid, raw, signed, feeLimitSun, expirationMs };
  }
}

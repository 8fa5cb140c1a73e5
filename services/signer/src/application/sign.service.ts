import type { Logger } from '#libs/observability';
import {
  type DecodedTransaction,
  decodeTransaction,
  type KeySigner,
  txidOf,
  UnreadableTransactionError,
} from '#libs/tron';
import type { History } from '../domain/history.js';
import {
  checkPolicy,
  type Intent,
  no,
  type Policy,
  type Refusal,
  type SignerPlace,
} from '../domain/policy.js';
import type { JournalRepository } from '../repositories/journal.repository.js';
import { intentOf } from './intent.js';

/** Whether a transaction's reference block is of our chain; undefined when it is. */
export type ChainCheck = (transaction: DecodedTransaction) => Promise<string | undefined>;

/** A transaction that somebody wants signed. */
export type SignRequest = {
  readonly raw: Uint8Array;
  readonly chainId: bigint;
  /** Who asks, by the client certificate. */
  readonly client: string;
  /** True once nobody waits for the answer any more. */
  readonly isGone: () => boolean;
};

/** A signature, or why there is none. */
export type SignResult =
  | { readonly ok: true; readonly signature: Uint8Array }
  | { readonly ok: false; readonly refusal: Refusal };

const GONE = no('EXPIRATION', 'the caller has given up');

/** Signs what the policy allows: reads, judges, stores, signs, one request after the other. */
export class SignService {
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly signer: KeySigner,
    private readonly place: SignerPlace,
    private readonly policy: Policy,
    private readonly history: History,
    private readonly journal: Pick<JournalRepository, 'append'>,
    private readonly isOfChain: ChainCheck,
    private readonly clock: () => bigint,
    private readonly logger: Logger,
  ) {}

  /** Throws when the journal cannot be written: then nothing is signed. */
  sign(request: SignRequest): Promise<SignResult> {
    // Two at once would both see the window without the other.
    const turn = this.#last.then(() => this.#audited(request));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #audited(request: SignRequest): Promise<SignResult> {
    const txid = txidOf(request.raw);
    const result = await this.#sign(request, txid);
    const line = { client: request.client, txid };
    if (result.ok) this.logger.info(line, 'signed');
    else this.logger.warn({ ...line, ...result.refusal }, 'refused');
    return result;
  }

  async #sign({ raw, chainId, isGone }: SignRequest, txid: string): Promise<SignResult> {
    // What nobody can use any more would keep others waiting and be counted against the window.
    if (isGone()) return refused(GONE);
    if (chainId !== this.place.chainId) {
      const detail = `it is meant for chain ${chainId}, this signer is for ${this.place.chainId}`;
      return refused(no('WRONG_CHAIN', detail));
    }
    const transaction = read(raw);
    if ('reason' in transaction) return refused(transaction);
    const intent = intentOf(transaction, this.place);
    if ('reason' in intent) return refused(intent);
    const stranger = await this.isOfChain(transaction);
    if (stranger !== undefined) return refused(no('WRONG_CHAIN', stranger));
    return isGone() ? refused(GONE) : this.#judge(raw, txid, intent);
  }

  async #judge(raw: Uint8Array, txid: string, intent: Intent): Promise<SignResult> {
    const nowMs = this.clock();
    const key = intent.subject?.key;
    const past = this.history.past(key, nowMs);
    // The same bytes again: an answer was lost. Their signature is the same, and was counted.
    if (!this.history.has(txid)) {
      const refusal = checkPolicy(intent, this.place, this.policy, past, nowMs);
      if (refusal !== undefined) return refused(refusal);
      const record = {
        atMs: nowMs,
        txid,
        units: intent.units,
        key: key ?? '',
        contents: intent.subject?.contents ?? '',
        epoch: intent.epoch ?? 0n,
      };
      await this.journal.append(record);
      this.history.add(record);
      const { units } = intent;
      this.logger.info(
        { txid, units: units.toString(), payees: intent.payees.length, key },
        'allowed',
      );
    }
    return { ok: true, signature: await this.signer.sign(raw) };
  }
}

function read(raw: Uint8Array): DecodedTransaction | Refusal {
  try {
    return decodeTransaction(raw);
  } catch (error) {
    if (!(error instanceof UnreadableTransactionError)) throw error;
    return no(error.memoOrPermission ? 'MEMO_OR_PERMISSION' : 'UNREADABLE', error.message);
  }
}

function refused(refusal: Refusal): SignResult {
  return { ok: false, refusal };
}

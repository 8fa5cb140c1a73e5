import { utils } from 'tronweb';
import { type Address, addressFromBytes, fromHex, toHex } from '#libs/domain';
import { txidOf } from './transaction.js';

/** A signer does not sign, now or ever. Its message is for operators. */
export class SignerError extends Error {
  override readonly name = 'SignerError';

  constructor(
    message: string,
    options: ErrorOptions & {
      /** Its policy forbids this transaction for what it is; others may be signed. */
      readonly thisOneOnly?: boolean;
    } = {},
  ) {
    super(message, options);
    this.thisOneOnly = options.thisOneOnly ?? false;
  }

  readonly thisOneOnly: boolean;
}

/** Signs for the hot wallet. Where its key lives is nobody else's business. */
export interface Signer {
  readonly address: Address;
  /**
   * Signature of a transaction's raw bytes, r ‖ s ‖ v. The signer hashes them itself. Throws a
   * SignerError when it refuses or cannot be reached.
   */
  sign(raw: Uint8Array): Promise<Uint8Array>;
}

/** A signer that holds its key in memory: for local chains. */
export class KeySigner implements Signer {
  readonly address: Address;
  readonly #key: Uint8Array;

  /** Throws a TypeError, without the key in it, when the text is not 32 bytes of hex. */
  constructor(privateKeyHex: string) {
    if (!/^[0-9a-fA-F]{64}$/.test(privateKeyHex)) {
      throw new TypeError('a private key is 32 bytes of hex');
    }
    this.#key = fromHex(privateKeyHex);
    const hex = utils.address.toHex(
      utils.crypto.getBase58CheckAddress(utils.crypto.getAddressFromPriKey([...this.#key])),
    );
    this.address = addressFromBytes(fromHex(hex).subarray(1));
  }

  async sign(raw: Uint8Array): Promise<Uint8Array> {
    const digest = fromHex(txidOf(raw));
    return fromHex(utils.crypto.ECKeySign([...digest], [...this.#key]));
  }
}

/** Which of two keys a signature is of, as wallets write it. */
const RECOVERY_BYTES: ReadonlySet<number> = new Set([0, 1, 27, 28]);

/** True when a signature of raw bytes is of the address's key; a malformed one is not. */
export function isSignedBy(address: Address, raw: Uint8Array, signature: Uint8Array): boolean {
  // Whatever else the last byte says, the libraries look at one bit of it only.
  if (signature.length !== 65 || !RECOVERY_BYTES.has(signature[64] ?? -1)) return false;
  try {
    const recovered = utils.crypto.ecRecover(txidOf(raw), toHex(signature));
    return addressFromBytes(fromHex(recovered).subarray(1)) === address;
  } catch {
    return false;
  }
}

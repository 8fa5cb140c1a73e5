import secp256k1 from 'secp256k1';
import { referenceOf } from '../chain/admission.js';
import type { ChainNode } from '../chain/node.js';
import { addressOfPublicKey, parseAddress } from '../codec/address.js';
import { JsonError } from '../codec/json.js';
import type { Message } from '../codec/protobuf.js';
import type { ContractType } from '../codec/schema.js';
import { draftTransaction, signTransaction } from '../codec/transaction.js';
import { FAUCET_PRIVATE_KEY, TRC10_ID } from '../genesis.js';
import { params } from '../params.js';
import { DEFAULT_OPERATIONS } from '../state/permissions.js';

/** Makes, signs and admits real transactions, of the faucet or of a key that is given. */
export class Faucet {
  private lastTimestampMs = 0;

  constructor(private readonly node: ChainNode) {}

  /** @returns ids of the transactions that were admitted. @throws TransactionRefused */
  async fund(
    address: string,
    trxSun: bigint,
    trc10Units: bigint,
    trc10Id = TRC10_ID,
  ): Promise<string[]> {
    const to_address = parseAddress(address);
    const key = Buffer.from(FAUCET_PRIVATE_KEY, 'hex');
    const txIds: string[] = [];
    if (trxSun > 0n) {
      txIds.push(await this.send(key, 'TransferContract', { to_address, amount: trxSun }));
    }
    if (trc10Units > 0n) {
      const asset_name = Buffer.from(trc10Id);
      const value = { asset_name, to_address, amount: trc10Units };
      txIds.push(await this.send(key, 'TransferAssetContract', value));
    }
    return txIds;
  }

  /**
   * Gives an account other keys, each of weight 1, as owner and as active permission. It costs what the
   * chain takes for it (100 TRX).
   * @returns the transaction's id. @throws JsonError, TransactionRefused
   */
  changePermissions(
    privateKey: string,
    addresses: readonly string[],
    threshold: number,
  ): Promise<string> {
    if (!/^[0-9a-f]{64}$/i.test(privateKey)) {
      throw new JsonError('privateKey must be 64 digits of hex');
    }
    const keys = addresses.map((address) => ({ address: parseAddress(address), weight: 1n }));
    const common = { threshold: BigInt(threshold), keys };
    const operations = Buffer.from(DEFAULT_OPERATIONS, 'hex');
    const value = {
      owner: { ...common, type: 0n, permission_name: 'owner' },
      actives: [{ ...common, type: 2n, permission_name: 'active', operations }],
    };
    return this.send(Buffer.from(privateKey, 'hex'), 'AccountPermissionUpdateContract', value);
  }

  private async send(key: Buffer, type: ContractType, value: Message): Promise<string> {
    const { ledger } = this.node;
    const reference = referenceOf(ledger.index, ledger.headNumber);
    // Equal payments within one millisecond would otherwise be one and the same transaction.
    this.lastTimestampMs = Math.max(this.node.now(), this.lastTimestampMs + 1);
    const owner_address = addressOfPublicKey(secp256k1.publicKeyCreate(key, false));
    const transaction = signTransaction(
      draftTransaction({
        type,
        value: { ...value, owner_address },
        refBlockBytes: reference.bytes,
        refBlockHash: reference.hash,
        expirationMs: BigInt(ledger.headTimestampMs + params.defaultExpirationMs),
        timestampMs: BigInt(this.lastTimestampMs),
      }),
      key,
    );
    await this.node.submit(transaction);
    return transaction.txId;
  }
}

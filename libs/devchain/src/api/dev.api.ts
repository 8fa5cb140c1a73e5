import { referenceOf } from '../chain/admission.js';
import { parseFault } from '../chain/faults.js';
import type { ChainNode } from '../chain/node.js';
import type { Producer } from '../chain/producer.js';
import { parseAddress } from '../codec/address.js';
import { type Json, JsonError, toInt } from '../codec/json.js';
import type { Message } from '../codec/protobuf.js';
import { type ContractType } from '../codec/schema.js';
import { draftTransaction, signTransaction } from '../codec/transaction.js';
import { chainIdOf, FAUCET_ADDRESS, FAUCET_PRIVATE_KEY, TRC10_ID } from '../genesis.js';
import { params } from '../params.js';
import { type ApiRequest, type Handlers, numberParam, textParam } from './request.js';

const MINE_MAX = 10_000;

/** Sends real, signed transactions from the faucet. */
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
    const to = parseAddress(address);
    const txIds: string[] = [];
    if (trxSun > 0n) {
      txIds.push(await this.send('TransferContract', { to_address: to, amount: trxSun }));
    }
    if (trc10Units > 0n) {
      const asset_name = Buffer.from(trc10Id);
      txIds.push(
        await this.send('TransferAssetContract', {
          asset_name,
          to_address: to,
          amount: trc10Units,
        }),
      );
    }
    return txIds;
  }

  private async send(type: ContractType, value: Message): Promise<string> {
    const { ledger } = this.node;
    const reference = referenceOf(ledger.index, ledger.headNumber);
    // Equal payments within one millisecond would otherwise be one and the same transaction.
    this.lastTimestampMs = Math.max(this.node.now(), this.lastTimestampMs + 1);
    const transaction = signTransaction(
      draftTransaction({
        type,
        value: { ...value, owner_address: parseAddress(FAUCET_ADDRESS) },
        refBlockBytes: reference.bytes,
        refBlockHash: reference.hash,
        expirationMs: BigInt(ledger.headTimestampMs + params.defaultExpirationMs),
        timestampMs: BigInt(this.lastTimestampMs),
      }),
      Buffer.from(FAUCET_PRIVATE_KEY, 'hex'),
    );
    await this.node.submit(transaction);
    return transaction.txId;
  }
}

const optionalInt = (value: Json | undefined, name: string): bigint => toInt(value ?? 0, name);

/** `/dev/*`: what a development chain can do and a real one cannot. */
export function devHandlers(node: ChainNode, producer: Producer, faucet: Faucet): Handlers {
  const { ledger, faults } = node;
  const status = () => ({
    nowMs: node.now(),
    headNumber: ledger.headNumber,
    headTimestampMs: ledger.headTimestampMs,
    headId: ledger.index.idOf(ledger.headNumber).toString('hex'),
    solidNumber: ledger.solidNumber,
    pending: node.pendingCount,
    network: ledger.network,
    chainId: chainIdOf(ledger.network),
    genesisId: ledger.index.idOf(0).toString('hex'),
    faucetAddress: FAUCET_ADDRESS,
    producing: producer.running,
  });
  const mine = async (request: ApiRequest) => {
    const blocks = numberParam(request, 'blocks', 1);
    if (blocks > MINE_MAX) throw new JsonError(`at most ${MINE_MAX} blocks at once`);
    const given = request.params.timestampMs;
    for (let done = 0; done < blocks; done++) {
      const first = done === 0 && given !== undefined;
      await node.seal(first ? numberParam(request, 'timestampMs') : undefined);
    }
    return status();
  };
  return {
    time: status,
    mine,
    producer: async ({ params: { enabled } }) => {
      if (enabled === false) await producer.stop();
      else producer.start();
      return status();
    },
    fork: async (request) => {
      const keep = request.params.transactions === 'drop' ? 'drop' : 'return';
      const undone = await node.fork(numberParam(request, 'blocks'), keep);
      return { ...status(), undone };
    },
    fund: async (request) => ({
      txIds: await faucet.fund(
        textParam(request, 'address'),
        optionalInt(request.params.trxSun, 'trxSun'),
        optionalInt(request.params.trc10Units, 'trc10Units'),
        request.params.trc10Id === undefined ? TRC10_ID : textParam(request, 'trc10Id'),
      ),
    }),
    faults: ({ params: body }) => {
      if (Object.keys(body).length > 0) {
        if (body.kind === 'none') faults.clear();
        else {
          const { fault, count } = parseFault(body);
          faults.arm(fault, count);
        }
      }
      return { faults: faults.list };
    },
  };
}

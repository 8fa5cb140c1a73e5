import { type Faults, isChainFault, parseFault } from '../chain/faults.js';
import type { ChainNode } from '../chain/node.js';
import type { Producer } from '../chain/producer.js';
import { type Json, JsonError, toInt } from '../codec/json.js';
import { chainIdOf, FAUCET_ADDRESS, TRC10_ID } from '../genesis.js';
import type { Faucet } from './faucet.js';
import { type ApiRequest, type Handlers, numberParam, textParam } from './request.js';

const MINE_MAX = 10_000;

const optionalInt = (value: Json | undefined, name: string): bigint => toInt(value ?? 0, name);

function keysOf(keys: Json | undefined): string[] {
  if (!Array.isArray(keys) || keys.some((key) => typeof key !== 'string')) {
    throw new JsonError('keys must be a list of addresses');
  }
  return keys as string[];
}

/** `/dev/*`: what a development chain can do and a real one cannot. */
export function devHandlers(
  node: ChainNode,
  producer: Producer,
  faucet: Faucet,
  nodeFaults: Faults,
): Handlers {
  const { ledger } = node;
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
  const all = [node.faults, nodeFaults];
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
    permissions: async (request) => ({
      txId: await faucet.changePermissions(
        textParam(request, 'privateKey'),
        keysOf(request.params.keys),
        numberParam(request, 'threshold', 1),
      ),
    }),
    faults: ({ params: body }) => {
      if (Object.keys(body).length > 0) {
        if (body.kind === 'none') for (const faults of all) faults.clear();
        else {
          const { fault, count } = parseFault(body);
          (isChainFault(fault) ? node.faults : nodeFaults).arm(fault, count);
        }
      }
      return { faults: all.flatMap((faults) => faults.list) };
    },
  };
}

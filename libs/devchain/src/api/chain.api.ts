import type { Ledger } from '../chain/ledger.js';
import { GENESIS_TIMESTAMP_MS, WITNESS_ADDRESS } from '../genesis.js';
import { chainParameters, params } from '../params.js';
import { printAddress } from './print.js';
import type { Handlers } from './request.js';

/** Facts about the chain and the node. */
export function chainHandlers(ledger: Ledger): Handlers {
  const priced = (sun: bigint) => ({ prices: `${GENESIS_TIMESTAMP_MS}:${sun}` });
  const name = (number: number): string =>
    `Num:${number},ID:${ledger.index.idOf(number).toString('hex')}`;
  return {
    getchainparameters: () => ({ chainParameter: chainParameters }),
    getenergyprices: () => priced(params.energyPriceSun),
    getbandwidthprices: () => priced(params.bandwidthPriceSun),
    getmemofee: () => priced(params.memoFeeSun),
    getburntrx: () => ({ burnTrxAmount: 0n }),
    listnodes: () => ({}),
    listwitnesses: ({ visible }) => ({
      witnesses: [
        {
          address: printAddress(WITNESS_ADDRESS, visible),
          voteCount: 1n,
          url: 'development witness',
          latestBlockNum: BigInt(ledger.headNumber),
          isJobs: true,
        },
      ],
    }),
    getnodeinfo: () => ({
      beginSyncNum: 0n,
      block: name(ledger.headNumber),
      solidityBlock: name(ledger.solidNumber),
      currentConnectCount: 0,
      activeConnectCount: 0,
      passiveConnectCount: 0,
      peerList: [],
      configNodeInfo: { codeVersion: '4.8.0', p2pVersion: 'development chain' },
    }),
  };
}

import {
  type BatchShape,
  batchUse,
  charge,
  claimUse,
  NOTHING_STAKED,
  type Prices,
  singlesUse,
  type Use,
} from './costs.js';

/** How payees may be paid: a transaction each, lines of a batch, or a proof with which they take it themselves. */
export type Way = 'single' | 'batch' | 'claim';

/** What a way costs when nothing is staked, in sun. */
export type WayCost = {
  readonly way: Way;
  readonly operatorSun: bigint;
  /** What the payees pay themselves, all together. */
  readonly payeesSun: bigint;
  /** Why it may not be taken, else empty. */
  readonly unfit: string;
};

/** Energy of one claim, as measured; docs/settlement.md. */
const CLAIM_ENERGY = 57_795n;
const CLAIM_BYTES = 1_200n;

/**
 * Every way to pay a group and what it costs. A way that is unsafe, or that makes payees pay for what they asked
 * us to do, is told with its price but not taken:
 * - single, of TRC-20: the hot wallet would have to hold the token, and nothing on chain would refuse a second payment.
 *   TRC-10 knows no contract, so there it is the only way, guarded by proof of death.
 * - claim: its payees pay twice a transfer, from TRX that they may not have, so it is for those who have asked for it,
 *   and their only way: they pay a lower fee for it.
 */
export function waysToPay({ asset, payees, toClaim }: BatchShape, prices: Prices): WayCost[] {
  const cost = (use: Use) => charge(NOTHING_STAKED, use, prices).feeSun;
  const native = asset === 'TRC10_BTTOLD';
  const single: WayCost = {
    way: 'single',
    operatorSun: cost(singlesUse(asset, payees, 0)),
    payeesSun: 0n,
    unfit: native ? '' : 'the hot wallet would have to hold the token, without a batch id',
  };
  if (native) return [single];
  const claim = cost({
    energy: CLAIM_ENERGY,
    transactionBytes: [CLAIM_BYTES],
    activations: 0n,
  });
  return [
    single,
    {
      way: 'batch',
      operatorSun: cost(batchUse(payees)),
      payeesSun: 0n,
      unfit: toClaim ? 'payees have asked to claim' : '',
    },
    {
      way: 'claim',
      operatorSun: cost(claimUse()),
      payeesSun: BigInt(payees) * claim,
      unfit: toClaim ? '' : 'payees would pay for it themselves',
    },
  ];
}

/** The cheapest of the ways that may be taken, counting everybody's costs. */
export function cheapestWay(ways: readonly WayCost[]): WayCost {
  const total = ({ operatorSun, payeesSun }: WayCost) => operatorSun + payeesSun;
  const fit = ways.filter(({ unfit }) => unfit === '');
  const [first, ...others] = fit;
  if (first === undefined) throw new Error('there is no way to pay');
  return others.reduce((best, way) => (total(way) < total(best) ? way : best), first);
}

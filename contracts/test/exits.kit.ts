import {
  type AccountLeaf,
  type ChannelLeaf,
  channelIdOf,
  leafBytes,
  type PayoutLeaf,
  type SumLeaf,
  SumTree,
} from '#libs/domain';
import { abiAddress, type ChainWallet } from '#libs/tron';
import {
  DAY_S,
  hex,
  id32,
  keyOf,
  type Outcome,
  person,
  proven,
  UNIT,
  type VaultBench,
} from './vault.kit.js';

export const REDEEM = 'redeemVoucher(bytes,bytes,uint256,uint256,bytes32,bytes32)';

/** A vault whose exit is open, and the tree of its last epoch. */
export type Closed = { readonly at: string; readonly tree: SumTree; readonly token: string };

/** What a voucher for the vault says differently from an honest one. */
export type Change = Partial<{
  signer: Uint8Array;
  validUntilMs: bigint;
  signFor: string;
  channelId: Uint8Array;
  payee: string;
  proof: string;
}>;

/** Leaves, and what those do with them who leave. */
export function exitKit(bench: () => VaultBench) {
  let next = 100_000;
  const account = (units: bigint, number = next++): AccountLeaf => ({
    kind: 'account',
    salt: id32(`salt ${number}`),
    account: person(number),
    units,
  });
  /** A channel of fresh people; the payer's number leads to its key. */
  const channel = (remainingUnits: bigint, bookedUnits = 0n) => {
    const payer = next++;
    const payee = next++;
    const channelId = channelIdOf(person(payer), person(payee), id32(`channel ${payer}`));
    const leaf: ChannelLeaf = {
      kind: 'channel',
      salt: id32(`salt ${payer}`),
      channelId,
      payer: person(payer),
      payee: person(payee),
      bookedUnits,
      remainingUnits,
    };
    return { leaf, key: keyOf(payer).privateKey, payer };
  };
  const payout = (name: string, line: number, units: bigint): PayoutLeaf => ({
    kind: 'payout',
    chainBatchId: id32(name),
    line,
    payee: person(next++),
    units,
  });

  /** A vault with so many units whose last epoch has these leaves, with the exit open. */
  async function closedVault(units: bigint, leaves: readonly SumLeaf[], token = bench().token) {
    const at = await bench().vault(0n, token);
    await bench().fill(at, units, token);
    const tree = new SumTree(leaves);
    await bench().commit(at, 1n, tree.root);
    await bench().open(at);
    return { at, tree, token };
  }

  /** Reserves what this payout claims, which is the only one of its claim set. */
  const promise = (at: string, claimed: PayoutLeaf) =>
    bench().call(bench().operator, at, 'commitClaims(bytes32,bytes32,uint64,uint40)', [
      hex(claimed.chainBatchId),
      hex(new SumTree([claimed]).root.root),
      claimed.units,
      bench().nowS + 60 * DAY_S,
    ]);
  const far = () => BigInt(bench().devchain.headTimestampMs + 400 * DAY_S * 1000);
  const exitAccount = ({ at, tree }: Closed, leaf: AccountLeaf) =>
    bench().call(bench().stranger, at, 'exitAccount(bytes,bytes)', proven(tree, leaf));
  const exitPayout = ({ at, tree }: Closed, leaf: PayoutLeaf) =>
    bench().call(bench().stranger, at, 'exitPayout(bytes,bytes)', proven(tree, leaf));
  const fileChannel = ({ at, tree }: Closed, leaf: ChannelLeaf, from: ChainWallet) =>
    bench().call(from, at, 'fileChannel(bytes,bytes)', proven(tree, leaf));
  const settleChannel = ({ at }: Closed, leaf: ChannelLeaf) =>
    bench().call(bench().stranger, at, 'settleChannel(bytes)', [hex(leafBytes(leaf))]);
  function redeemValues(
    closed: Closed,
    { leaf, key }: { leaf: ChannelLeaf; key: Uint8Array },
    cumulativeUnits: bigint,
    change: Change = {},
  ): readonly unknown[] {
    const [bytes, proof] = proven(closed.tree, leaf);
    const claim = {
      channelId: change.channelId ?? leaf.channelId,
      payee: change.payee ?? leaf.payee,
      cumulativeUnits,
      validUntilMs: change.validUntilMs ?? far(),
    };
    const voucher = bench().voucher(change.signFor ?? closed.at, claim, change.signer ?? key);
    return [bytes, change.proof ?? proof, ...voucher];
  }
  const redeem = (...args: Parameters<typeof redeemValues>): Promise<Outcome> =>
    bench().call(bench().stranger, args[0].at, REDEEM, redeemValues(...args));
  const collect = ({ at }: Closed, who: string) =>
    bench().call(bench().stranger, at, 'collect(address)', [abiAddress(who)]);
  const unitsOf = async (who: string, token = bench().token) =>
    Number(await bench().balance(who, token)) / Number(UNIT);
  return {
    account,
    channel,
    payout,
    closedVault,
    promise,
    far,
    exitAccount,
    exitPayout,
    fileChannel,
    settleChannel,
    redeemValues,
    redeem,
    collect,
    unitsOf,
  };
}

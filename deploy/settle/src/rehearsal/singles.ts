import { type Address, baseUnits } from '#libs/domain';
import { ChainWallet } from '#libs/tron';
import { faucetKey } from '../../../../contracts/src/provision.js';
import { payeeOf } from './due.js';

const NODE_TIMEOUT_MS = 10_000;
/** Far from the payees of withdrawals. */
const PAYEE = 4_000_000_000;

/** Pays one fresh address twice by plain transfers; returns the two transactions' ids. */
export async function paySingles(tronNodeUrl: string, token: Address): Promise<[string, string]> {
  const faucet = new ChainWallet({ url: tronNodeUrl, timeoutMs: NODE_TIMEOUT_MS }, faucetKey());
  const pay = (units: bigint) =>
    faucet.sendTrc20(token, payeeOf(PAYEE), baseUnits('TRC20_BTT', units));
  // The first one takes what free bandwidth the faucet has left, which would make it look cheaper.
  await faucet.sendTrc20(token, payeeOf(PAYEE - 1), baseUnits('TRC20_BTT', 1n));
  return [await pay(1n), await pay(2n)];
}

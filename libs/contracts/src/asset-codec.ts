import { ASSETS, type AssetName } from '#libs/domain';
import { Asset } from './generated/swarmledger/v1/common.js';

/** The wire's number of an asset. */
export function assetToWire(name: AssetName): Asset {
  return Asset[name];
}

/** The name of an asset on the wire, or undefined when it is not one that backs the ledger. */
export function assetFromWire(asset: Asset): AssetName | undefined {
  return ASSETS.find((name) => Asset[name] === asset);
}

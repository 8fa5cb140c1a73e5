import { hash } from 'node:crypto';
import { z } from 'zod';
import { chainAddress } from './block.js';
import { hexText } from './node-json.js';
import { type NodeOptions, NodeProvider } from './node-provider.js';
import { KeySigner } from './signer.js';

const genesisSchema = z.object({
  block_header: z.object({ raw_data: z.object({ witness_address: hexText.optional() }) }),
});

/**
 * True when the node's genesis block names the witness of our local chains, whose key everybody can
 * derive: tokens there are worth nothing, so keys in clear and deploying from a known key are fine.
 * Throws a TronNodeError when the node does not answer.
 */
export async function isDevelopmentChain(node: NodeOptions): Promise<boolean> {
  const provider = new NodeProvider(node);
  const genesis = await provider.ask('wallet/getblockbynum', { num: 0 }, genesisSchema);
  const witness = genesis.block_header.raw_data.witness_address;
  if (witness === undefined || !/^41[0-9a-f]{40}$/.test(witness)) return false;
  const development = new KeySigner(hash('sha256', 'swarmledger devchain witness')).address;
  return chainAddress(witness) === development;
}

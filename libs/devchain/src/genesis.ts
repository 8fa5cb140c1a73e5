import secp256k1 from 'secp256k1';
import { addressKey, addressOfPublicKey, toBase58 } from './codec/address.js';
import { type BlockHeader, blockId } from './codec/block.js';
import { sha256 } from './codec/hash.js';
import { encode } from './codec/protobuf.js';
import { assetSchema } from './codec/schema.js';
import { newAccount } from './state/accounts.js';
import type { Changes } from './state/world.js';

const keyOf = (seed: string): Buffer => sha256(Buffer.from(seed, 'utf8'));
const addressOf = (privateKey: Uint8Array): Buffer =>
  addressOfPublicKey(secp256k1.publicKeyCreate(privateKey, false));

/**
 * The faucet's private key. Everybody who reads this file knows it: it is worth nothing outside a
 * development chain and must never be used on another network.
 */
export const FAUCET_PRIVATE_KEY = keyOf('swarmledger devchain faucet').toString('hex');
const faucet = addressOf(Buffer.from(FAUCET_PRIVATE_KEY, 'hex'));
export const FAUCET_ADDRESS = toBase58(faucet);
export const FAUCET_TRX_SUN = 50_000_000_000_000_000n;

/** The id of BTT's TRC-10 token (BTTOLD) on the main network. */
export const TRC10_ID = '1002000';
/** A token with the same name and abbreviation, to test that only the id is trusted. */
export const TRC10_LOOKALIKE_ID = '1002001';
export const TRC10_SUPPLY_UNITS = 990_000_000_000n * 1_000_000n;

export const WITNESS_PRIVATE_KEY = keyOf('swarmledger devchain witness');
export const WITNESS_ADDRESS = addressOf(WITNESS_PRIVATE_KEY);

/** The time of block 0; fixed, so that every development chain has the same genesis id. */
export const GENESIS_TIMESTAMP_MS = 1_700_000_000_000;

/** Block 0 of the network called `network`. */
export function genesisHeader(network: string): BlockHeader {
  return {
    number: 0,
    timestampMs: GENESIS_TIMESTAMP_MS,
    parentId: keyOf(`swarmledger devchain ${network}`),
    txTrieRoot: Buffer.alloc(32),
    witness: WITNESS_ADDRESS,
  };
}

/** What the CHAINID opcode returns: the last four bytes of the genesis block's id. */
export function chainIdOf(network: string): number {
  return blockId(genesisHeader(network)).readUInt32BE(28);
}

function token(id: string): Buffer {
  return encode(assetSchema, {
    owner_address: faucet,
    name: Buffer.from('BTTOLD'),
    abbr: Buffer.from('BTTOLD'),
    total_supply: TRC10_SUPPLY_UNITS,
    trx_num: 1n,
    precision: 6n,
    num: 1n,
    start_time: BigInt(GENESIS_TIMESTAMP_MS),
    end_time: BigInt(GENESIS_TIMESTAMP_MS + 1),
    description: Buffer.from(
      id === TRC10_ID ? 'BitTorrent (development chain)' : 'look-alike of 1002000',
    ),
    url: Buffer.from('https://example.invalid'),
    id,
  });
}

/** The state before block 1. */
export function genesisState(): Changes {
  const key = addressKey(faucet);
  const changes: Changes = new Map();
  changes.set(`account/${key}`, {
    ...newAccount(GENESIS_TIMESTAMP_MS),
    balanceSun: FAUCET_TRX_SUN,
  });
  for (const id of [TRC10_ID, TRC10_LOOKALIKE_ID]) {
    changes.set(`asset/${key}:${id}`, TRC10_SUPPLY_UNITS);
    changes.set(`token/${id}`, token(id));
  }
  changes.set('counter/tokenId', BigInt(TRC10_LOOKALIKE_ID));
  return changes;
}

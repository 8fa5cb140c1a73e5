import { type AssetName, BASE_UNITS_PER_UNIT } from '#libs/domain';
import { callData, readAddress, readUints, type TronChain } from '#libs/tron';
import { checkWallet, type FreeFunds } from '../domain/preflight.js';
import type { ChainPlace } from './ports.js';

/** The hot wallet and the reserves, as of the last solidified block. */
export type WalletState = {
  /** Why nothing may be signed, or undefined. */
  readonly blocked: string | undefined;
  readonly trxSun: bigint;
  readonly reserveBaseUnits: Readonly<Record<AssetName, bigint>>;
  readonly energyPriceSun: bigint;
};

/** Words of the vault's `status()`; see contracts/solidity/VaultBase.sol. */
const STATUS_WORDS = 7;

/** Reads from the chain what must be right before anything is signed. */
export class WalletCheckService {
  constructor(
    private readonly chain: TronChain,
    private readonly place: ChainPlace,
  ) {}

  async read(): Promise<WalletState> {
    const { hotWallet, vault, trc10Id } = this.place;
    const [account, operator, status, solid, energyPriceSun] = await Promise.all([
      this.chain.account(hotWallet),
      this.chain.view(vault, callData('operator()')),
      this.chain.view(vault, callData('status()')),
      this.chain.solidHead(),
      this.chain.energyPriceSun(),
    ]);
    const words = readUints(status, STATUS_WORDS);
    const [free = 0n, , , , payoutsUntil = 0n, closedAt = 0n, paused = 0n] = words;
    const blocked = checkWallet({
      hotWallet,
      trxSun: account?.trxSun,
      owner: account?.owner,
      actives: account?.actives ?? [],
      vaultOperator: readAddress(operator),
      vault: {
        paused: paused !== 0n,
        closedAt,
        payoutsUntil,
        now: solid.timestampMs / 1000n,
      },
    });
    return {
      blocked,
      trxSun: account?.trxSun ?? 0n,
      reserveBaseUnits: {
        // What the vault has promised to claims is not there for batches.
        TRC20_BTT: free,
        TRC10_BTTOLD: account?.trc10.get(trc10Id) ?? 0n,
      },
      energyPriceSun,
    };
  }

  /** Throws unless the node's chain and the vault are those of the configuration. */
  async assertPlace(): Promise<void> {
    const { chainId, vault, trc20 } = this.place;
    const actual = await this.chain.chainId();
    if (actual !== chainId) {
      throw new Error(`the node is on chain ${actual}, the configuration names ${chainId}`);
    }
    const token = readAddress(await this.chain.view(vault, callData('token()')));
    if (token !== trc20) {
      throw new Error(`the vault holds the token ${token}, the configuration names ${trc20}`);
    }
  }
}

/** What is left of the funds while transactions are being signed in one round. */
export class Purse {
  #trxSun: bigint;
  readonly #reserve: Record<AssetName, bigint>;

  constructor(state: WalletState) {
    this.#trxSun = state.trxSun;
    this.#reserve = { ...state.reserveBaseUnits };
  }

  free(asset: AssetName): FreeFunds {
    return { trxSun: this.#trxSun, reserveBaseUnits: this.#reserve[asset] };
  }

  /** Sets aside what a signed transaction may cost and pays. */
  take(asset: AssetName, trxSun: bigint, units: bigint): void {
    this.#trxSun -= trxSun;
    this.#reserve[asset] -= units * BASE_UNITS_PER_UNIT[asset];
  }
}

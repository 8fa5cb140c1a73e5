import type { AssetName } from '#libs/domain';
import {
  type AccountPermissions,
  callData,
  readAddress,
  readUints,
  type TronChain,
} from '#libs/tron';
import type { Allowance, Prices } from '../domain/costs.js';
import { checkWallet } from '../domain/preflight.js';
import type { ChainPlace } from './ports.js';

/** The hot wallet and the reserves, as of the last solidified block. */
export type WalletState = {
  readonly hotWallet: string;
  /** Why nothing may be signed, or undefined. */
  readonly blocked: string | undefined;
  /** Its TRX, and what is left of its stake as of the newest block. */
  readonly allowance: Allowance;
  readonly reserveBaseUnits: Readonly<Record<AssetName, bigint>>;
  readonly prices: Prices;
};

/** Words of the vault's `status()`; see contracts/solidity/VaultBase.sol. */
const STATUS_WORDS = 7;

const ownerOf = (now: AccountPermissions | undefined) =>
  now?.owner === undefined ? [] : [now.owner];

/** Reads from the chain what must be right before anything is signed. */
export class WalletCheckService {
  constructor(
    private readonly chain: TronChain,
    private readonly place: ChainPlace,
    /** Why nothing that nodes say may be acted on, or undefined. */
    private readonly nodesDisagree: () => string | undefined = () => undefined,
  ) {}

  async read(): Promise<WalletState> {
    const { hotWallet, vault, trc10Id } = this.place;
    const [account, now, operator, status, solid, resources, prices] = await Promise.all([
      this.chain.account(hotWallet),
      // A change of permissions counts before it is solidified: a minute would be enough to sign a lot.
      this.chain.headPermissions(hotWallet),
      this.chain.view(vault, callData('operator()')),
      this.chain.view(vault, callData('status()')),
      this.chain.solidHead(),
      this.chain.resources(hotWallet),
      this.chain.prices(),
    ]);
    const words = readUints(status, STATUS_WORDS);
    const [free = 0n, , , , payoutsUntil = 0n, closedAt = 0n, paused = 0n] = words;
    const walletBlocked = checkWallet({
      hotWallet,
      trxSun: account?.trxSun,
      owner: account?.owner,
      actives: [...(account?.actives ?? []), ...(now?.actives ?? []), ...ownerOf(now)],
      vaultOperator: readAddress(operator),
      vault: {
        paused: paused !== 0n,
        closedAt,
        payoutsUntil,
        now: solid.timestampMs / 1000n,
      },
    });
    return {
      hotWallet,
      blocked: this.nodesDisagree() ?? walletBlocked,
      allowance: { trxSun: account?.trxSun ?? 0n, ...resources },
      reserveBaseUnits: {
        // What the vault has promised to claims is not there for batches.
        TRC20_BTT: free,
        TRC10_BTTOLD: account?.trc10.get(trc10Id) ?? 0n,
      },
      prices,
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

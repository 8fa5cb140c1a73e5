import { type Account, get, type Overlay, type StateReader } from './world.js';

const FIRST_TOKEN_ID = 1_002_000n;
const UNUSED = { amount: 0, atMs: 0 };

/** A new, empty account. */
export function newAccount(nowMs: number, kind: Account['kind'] = 'normal'): Account {
  return {
    balanceSun: 0n,
    createdAtMs: nowMs,
    nonce: 0n,
    kind,
    freeNet: UNUSED,
    net: UNUSED,
    energy: UNUSED,
    frozenNetSun: 0n,
    frozenEnergySun: 0n,
  };
}

export const accountOf = (reader: StateReader, key: string): Account | undefined =>
  get(reader, 'account', key);

/** Changes fields of an account, creating it when it is new. */
export function updateAccount(
  overlay: Overlay,
  key: string,
  nowMs: number,
  change: (account: Account) => Partial<Account>,
): void {
  const account = accountOf(overlay, key) ?? newAccount(nowMs);
  overlay.set('account', key, { ...account, ...change(account) });
}

/** Adds `amountSun` (may be negative). @throws Error if the balance would become negative */
export function addBalance(overlay: Overlay, key: string, amountSun: bigint, nowMs: number): void {
  updateAccount(overlay, key, nowMs, (account) => {
    const balanceSun = account.balanceSun + amountSun;
    if (balanceSun < 0n) throw new Error('balance would become negative');
    return { balanceSun };
  });
}

/** TRC-10 balance in token units. */
export const assetOf = (reader: StateReader, key: string, tokenId: string): bigint =>
  get(reader, 'asset', `${key}:${tokenId}`) ?? 0n;

/** Adds token units (may be negative). @throws Error if the balance would become negative */
export function addAsset(overlay: Overlay, key: string, tokenId: string, units: bigint): void {
  const balance = assetOf(overlay, key, tokenId) + units;
  if (balance < 0n) throw new Error('asset balance would become negative');
  overlay.set('asset', `${key}:${tokenId}`, balance);
}

/** Ids of all TRC-10 tokens, oldest first; they are given out one after the other. */
export function tokenIds(reader: StateReader): string[] {
  const last = get(reader, 'counter', 'tokenId') ?? 0n;
  const ids: string[] = [];
  for (let id = FIRST_TOKEN_ID; id <= last; id++) ids.push(id.toString());
  return ids;
}

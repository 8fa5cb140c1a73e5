import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE_UNITS_PER_UNIT } from '#libs/domain';
import { abiAddress, payBatchData } from '#libs/tron';
import { ARTIFACTS } from '../src/artifacts.js';
import { staleArtifacts } from '../src/compile.js';
import { deployVault, EXIT_TERMS, type ExitTerms } from '../src/deploy.js';
import { DAY_S, hex, id32, person, plain, UNIT, VaultBench } from './vault.kit.js';

let bench: VaultBench;
beforeAll(async () => {
  bench = await VaultBench.start();
});
afterAll(() => bench.stop());

const NOBODY = 'T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb';
const root = (totalUnits = 10n) => ({ root: id32('root'), totalUnits });
const pay = (at: string, name: string) =>
  bench.send(
    bench.operator,
    at,
    payBatchData(id32(name), [{ to: person(1), amountBaseUnits: UNIT }]),
  );

describe('artefacts', () => {
  it('are what the sources compile to', () => {
    expect(staleArtifacts()).toEqual([]);
  });

  it('fit the limit that other chains set for code, and use its scale', async () => {
    expect(ARTIFACTS.Vault.bytecode.length / 2).toBeLessThan(24_576);
    const [scale] = await bench.view(await bench.vault(), 'BASE_UNITS_PER_UNIT');
    expect(scale).toBe(BASE_UNITS_PER_UNIT.TRC20_BTT);
  });
});

describe('a new vault', () => {
  it.each<[string, { token?: string; operator?: string; terms?: Partial<ExitTerms> }]>([
    ['no token', { token: NOBODY }],
    ['no operator', { operator: NOBODY }],
    ['hardly any patience', { terms: { exitDelayS: 86_399n } }],
    ['endless patience', { terms: { exitDelayS: 90n * 86_400n + 1n } }],
    ['hardly any window', { terms: { challengeWindowS: 3_599n } }],
    ['an endless window', { terms: { challengeWindowS: 30n * 86_400n + 1n } }],
  ])('is refused with %s', async (_what, { token, operator, terms }) => {
    const { faucet } = bench;
    const deployed = deployVault(faucet, token ?? bench.token, operator ?? bench.operator.address, {
      ...EXIT_TERMS,
      ...terms,
    });
    await expect(bench.mined(deployed)).rejects.toThrow('REVERT');
  });

  it('may be as patient as the bounds allow', async () => {
    for (const terms of [
      { exitDelayS: 86_400n, challengeWindowS: 3_600n },
      { exitDelayS: 90n * 86_400n, challengeWindowS: 30n * 86_400n },
    ]) {
      const { faucet, token, operator } = bench;
      const at = await bench.mined(deployVault(faucet, token, operator.address, terms));
      expect(await bench.view(at, 'exitDelay')).toEqual([terms.exitDelayS]);
      expect(await bench.view(at, 'challengeWindow')).toEqual([terms.challengeWindowS]);
    }
  });
});

describe('ownership', () => {
  const send = (from: 'faucet' | 'stranger' | 'operator', at: string, name: string, to?: string) =>
    bench.call(bench[from], at, name, to === undefined ? [] : [abiAddress(to)]);

  it('changes hands in two steps', async () => {
    const at = await bench.vault();
    const { address } = bench.stranger;
    expect((await send('stranger', at, 'offerOwnership(address)', address)).error).toBe('NotOwner');
    expect((await send('stranger', at, 'takeOwnership()')).error).toBe('NotOwner');
    await send('faucet', at, 'offerOwnership(address)', address);
    expect((await send('operator', at, 'takeOwnership()')).error).toBe('NotOwner');
    // Until it is taken the owner is the owner, and may think better of it.
    await send('faucet', at, 'offerOwnership(address)', NOBODY);
    expect((await send('stranger', at, 'takeOwnership()')).error).toBe('NotOwner');
    await send('faucet', at, 'offerOwnership(address)', address);
    expect((await send('stranger', at, 'takeOwnership()')).events[0]?.name).toBe('OwnershipTaken');
    expect((await send('faucet', at, 'setOperator(address)', address)).error).toBe('NotOwner');
    expect((await send('stranger', at, 'setOperator(address)', address)).result).toBe('SUCCESS');
    expect((await send('stranger', at, 'takeOwnership()')).error).toBe('NotOwner');
  });

  it('chooses the operator, who can do nothing else', async () => {
    const at = await bench.vault(10n);
    const { address } = bench.stranger;
    for (const from of ['stranger', 'operator'] as const) {
      expect((await send(from, at, 'setOperator(address)', address)).error).toBe('NotOwner');
    }
    expect((await send('faucet', at, 'setOperator(address)', NOBODY)).error).toBe('ZeroAddress');
    await send('faucet', at, 'setOperator(address)', address);
    expect((await pay(at, 'old operator')).error).toBe('NotOperator');
    const [operator] = await bench.view(at, 'operator');
    expect(String(operator).toLowerCase()).toBe(plain(address));
  });
});

describe('a pause', () => {
  it('is made by owner or operator and ended by the owner', async () => {
    const at = await bench.vault(10n);
    expect((await bench.call(bench.stranger, at, 'pause()')).error).toBe('NotOwner');
    expect((await bench.call(bench.faucet, at, 'unpause()')).error).toBe('NotPaused');
    expect((await bench.call(bench.operator, at, 'pause()')).events[0]?.name).toBe('Paused');
    expect((await bench.call(bench.faucet, at, 'pause()')).error).toBe('IsPaused');
    expect((await bench.call(bench.operator, at, 'unpause()')).error).toBe('NotOwner');
    const values = [abiAddress(person(1)), UNIT];
    const deposit = () => bench.call(bench.faucet, at, 'deposit(address,uint256)', values);
    expect((await pay(at, 'paused')).error).toBe('IsPaused');
    expect((await deposit()).error).toBe('IsPaused');
    expect((await bench.commit(at, 1n, root())).error).toBe('IsPaused');
    expect((await bench.view(at, 'status'))[6]).toBe(true);
    expect((await bench.call(bench.faucet, at, 'unpause()')).events[0]?.name).toBe('Unpaused');
    expect((await pay(at, 'paused')).result).toBe('SUCCESS');
    expect((await bench.call(bench.faucet, at, 'pause()')).result).toBe('SUCCESS');
  });
});

describe('epochs', () => {
  it('only go forward, are kept for ever, and show the reserve beside the total', async () => {
    const at = await bench.vault(10n);
    const committed = await bench.commit(at, 3n, root(7n));
    expect(committed.events).toEqual([
      { name: 'EpochCommitted', values: [3n, hex(id32('root')), 7n, 10n * UNIT] },
    ]);
    expect((await bench.commit(at, 3n, root())).error).toBe('EpochNotAhead');
    expect((await bench.commit(at, 2n, root())).error).toBe('EpochNotAhead');
    await bench.commit(at, 9n, { root: id32('other'), totalUnits: 8n });
    const kept = await bench.view(at, 'epochs', [3n]);
    expect(kept.slice(0, 2)).toEqual([hex(id32('root')), 7n]);
    expect((await bench.view(at, 'epochs', [4n]))[0]).toBe(hex(new Uint8Array(32)));
    const [, , epoch, epochAt, payoutsUntil, closedAt, paused] = await bench.view(at, 'status');
    expect({ epoch, closedAt, paused }).toEqual({ epoch: 9n, closedAt: 0n, paused: false });
    expect(payoutsUntil).toBe(BigInt(epochAt as bigint) + EXIT_TERMS.exitDelayS / 2n);
  });

  it('come from the operator and have a root', async () => {
    const at = await bench.vault();
    const values = [1n, hex(id32('root')), 1n];
    const signature = 'commitEpoch(uint64,bytes32,uint64)';
    expect((await bench.call(bench.faucet, at, signature, values)).error).toBe('NotOperator');
    const none = { root: new Uint8Array(32), totalUnits: 1n };
    expect((await bench.commit(at, 1n, none)).error).toBe('ZeroRoot');
    expect((await bench.commit(at, 0n, root())).error).toBe('EpochNotAhead');
  });

  it('must not stay away while payouts go on', async () => {
    const at = await bench.vault(10n);
    await bench.pass(30 * DAY_S);
    expect((await pay(at, 'before the first epoch')).result).toBe('SUCCESS');
    await bench.commit(at, 1n, root());
    expect((await pay(at, 'soon')).result).toBe('SUCCESS');
    await bench.pass(Number(EXIT_TERMS.exitDelayS / 2n) + 60);
    expect((await pay(at, 'late')).error).toBe('EpochTooOld');
    const until = [hex(id32('x')), hex(id32('root')), 1n, bench.nowS + 2 * DAY_S];
    const claims = 'commitClaims(bytes32,bytes32,uint64,uint40)';
    expect((await bench.call(bench.operator, at, claims, until)).error).toBe('EpochTooOld');
    await bench.commit(at, 2n, root());
    expect((await pay(at, 'late')).result).toBe('SUCCESS');
  });
});

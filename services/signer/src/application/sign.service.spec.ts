import { describe, expect, it } from 'vitest';
import { createLogger } from '#libs/observability';
import { buildTransaction, isSignedBy, KeySigner } from '#libs/tron';
import { History, type SignedRecord } from '../domain/history.js';
import { SignService } from './sign.service.js';

const signer = new KeySigner('0c'.repeat(32));
const payee = new KeySigner('1f'.repeat(32)).address;
const owner = signer.address;
const [vault, trc20] = ['0d', '0e'].map((byte) => new KeySigner(byte.repeat(32)).address);
const place = { chainId: 7n, owner, vault: vault ?? '', trc20: trc20 ?? '', trc10Id: '1002000' };
const policy = {
  payeesMax: 200,
  transactionUnitsMax: 100n,
  windowMs: 1_000n,
  windowUnitsMax: 150n,
  windowTransactionsMax: 10,
  feeLimitMaxSun: 0n,
  lifeMaxMs: 1_000n,
  attemptsMax: 10,
};
const transfer = (timestampMs: bigint) =>
  buildTransaction({
    owner,
    call: { kind: 'trc10', tokenId: place.trc10Id, to: payee, amountBaseUnits: 100n },
    reference: { number: 1n, id: '0'.repeat(64), timestampMs: 0n },
    expirationMs: 1_500n,
    timestampMs,
    feeLimitSun: 0n,
  }).raw;

function setUp() {
  const records: SignedRecord[] = [];
  const journal = { append: async (record: SignedRecord) => void records.push(record) };
  const node = { asked: 0, answer: async (): Promise<string | undefined> => undefined };
  const isOfChain = () => {
    node.asked += 1;
    return node.answer();
  };
  const logger = createLogger({ name: 'test', level: 'silent' });
  const clock = () => 1_000n;
  const history = new History(policy.windowMs);
  const service = new SignService(
    signer,
    place,
    policy,
    history,
    journal,
    isOfChain,
    clock,
    logger,
  );
  const ask = (raw: Uint8Array, isGone = () => false) =>
    service.sign({ raw, chainId: place.chainId, client: 'settlement', isGone });
  return { ask, node, records };
}

describe('a caller that has given up', () => {
  it('gets nothing signed and nothing counted, so that asking again does not use up the window', async () => {
    const { ask, node, records } = setUp();
    let gone = false;
    node.answer = async () => {
      gone = true;
      return undefined;
    };
    expect(await ask(transfer(1n), () => gone)).toMatchObject({
      ok: false,
      refusal: { reason: 'EXPIRATION', detail: 'the caller has given up' },
    });
    expect(records).toEqual([]);
    const raw = transfer(2n);
    const again = await ask(raw);
    expect(again.ok && isSignedBy(owner, raw, again.signature)).toBe(true);
    expect(records).toHaveLength(1);
  });

  it('keeps nobody waiting who comes after', async () => {
    const { ask, node } = setUp();
    const results = await Promise.all([
      ask(transfer(1n), () => true),
      ask(transfer(2n), () => true),
      ask(transfer(3n)),
    ]);
    expect(results.map(({ ok }) => ok)).toEqual([false, false, true]);
    expect(node.asked).toBe(1);
  });
});

import { readFileSync } from 'node:fs';
import { utils } from 'tronweb';
import { describe, expect, it } from 'vitest';
import { keyPairOf, sha256, verify } from '#libs/crypto';
import { ASSET_NUMBERS, type AssetName, Digests, fromHex, TYPES, toHex } from '#libs/domain';

// docs/signing.md is what developers of other clients build on: every line of it that a machine can
// check is checked here, by our own code and by an encoder that is not ours.

const text = readFileSync(new URL('../docs/signing.md', import.meta.url), 'utf8');
const blocks = (kind: string) =>
  [...text.matchAll(new RegExp(`^\`\`\`${kind}\n([^]*?)^\`\`\``, 'gm'))].map(
    ([, body]) => body ?? '',
  );

type Example = {
  readonly type: keyof typeof TYPES;
  readonly message: Readonly<Record<string, string>>;
  readonly digest: string;
  readonly signature: string;
};
type Domain = { name: string; version: string; chainId: string; verifyingContract: string };

const examples = blocks('json').map((body) => JSON.parse(body) as Example);
const domain = JSON.parse(blocks('domain')[0]!) as Domain;
const pair = keyPairOf(sha256(new TextEncoder().encode('swarmledger signing example')));
const digests = new Digests({
  chainId: BigInt(domain.chainId),
  vaultAddress: domain.verifyingContract,
});

function ours({ type, message: m }: Example): Uint8Array {
  const of = (name: string) => m[name] ?? '';
  const bytes = (name: string) => fromHex(of(name));
  const integer = (name: string) => BigInt(of(name));
  const validUntilMs = 'validUntilMs' in m ? integer('validUntilMs') : 0n;
  const order = () => ({
    orderId: bytes('orderId'),
    swarm: bytes('swarm'),
    slots: Number(of('slots')),
    expiresAtMs: integer('expiresAtMs'),
  });
  const amountUnits = () => integer('amountUnits');
  switch (type) {
    case 'Register':
      return digests.register(of('account'));
    case 'Session':
      return digests.session(of('account'), validUntilMs);
    case 'Voucher': {
      const cumulativeUnits = integer('cumulativeUnits');
      const claim = { channelId: bytes('channelId'), payee: of('payee'), cumulativeUnits };
      return digests.voucher({ ...claim, validUntilMs });
    }
    case 'Bundle': {
      const count = Number(of('count'));
      return digests.bundle({ root: bytes('root'), count, validUntilMs });
    }
    case 'Transfer': {
      const transfer = { transferId: bytes('transferId'), payee: of('payee') };
      return digests.transfer({ ...transfer, amountUnits: amountUnits(), validUntilMs });
    }
    case 'DelegateSessionKey': {
      const capUnits = integer('capUnits');
      const expiresAtMs = integer('expiresAtMs');
      const delegation = { account: of('account'), key: of('key'), capUnits, expiresAtMs };
      return digests.delegateSessionKey({ ...delegation, validUntilMs });
    }
    case 'RevokeSessionKey':
      return digests.revokeSessionKey({ account: of('account'), key: of('key'), validUntilMs });
    case 'OpenChannel':
      return digests.openChannel({
        payer: of('payer'),
        payee: of('payee'),
        depositUnits: integer('depositUnits'),
        salt: bytes('salt'),
        ticks: {
          chainEnd: bytes('tickChainEnd'),
          tickValueUnits: integer('tickValueUnits'),
          ticksMax: integer('ticksMax'),
        },
        validUntilMs,
      });
    case 'CloseChannel':
      return digests.closeChannel(bytes('channelId'), validUntilMs);
    case 'CommitTicks': {
      const ticks = {
        chainEnd: bytes('tickChainEnd'),
        tickValueUnits: integer('tickValueUnits'),
        ticksMax: integer('ticksMax'),
        baseUnits: integer('baseUnits'),
      };
      return digests.commitTicks({ channelId: bytes('channelId'), ticks, validUntilMs });
    }
    case 'Withdraw':
    case 'WithdrawToClaim': {
      const names = Object.keys(ASSET_NUMBERS) as AssetName[];
      const asset = names.find((name) => ASSET_NUMBERS[name] === Number(of('asset')))!;
      const withdrawal = { withdrawalId: bytes('withdrawalId'), destination: of('destination') };
      const terms = { ...withdrawal, asset, amountUnits: amountUnits(), validUntilMs };
      return digests.withdraw({ ...terms, toClaim: type === 'WithdrawToClaim' });
    }
    case 'CancelWithdrawal':
      return digests.cancelWithdrawal(bytes('withdrawalId'), validUntilMs);
    case 'Ask':
      return digests.ask({
        ...order(),
        slotRateMib: Number(of('slotRateMib')),
        reservePriceUnits: integer('reservePriceUnits'),
      });
    case 'Bid':
      return digests.bid({
        ...order(),
        priceLimitUnits: integer('priceLimitUnits'),
        volumeMib: integer('volumeMib'),
        budgetUnits: integer('budgetUnits'),
      });
    case 'CancelOrder':
      return digests.cancelOrder(bytes('orderId'), validUntilMs);
  }
}

/** The fields of `Name(type field,type field)`. */
function fieldsOf(type: string): { type: string; name: string }[] {
  const [, fields = ''] = /\((.*)\)/.exec(type) ?? [];
  return fields.split(',').map((field) => {
    const [fieldType = '', name = ''] = field.split(' ');
    return { type: fieldType, name };
  });
}

describe('docs/signing.md', () => {
  it('lists the very types that are hashed', () => {
    expect(blocks('solidity')[0]?.trim().split('\n')).toEqual(Object.values(TYPES));
    for (const name of Object.keys(TYPES)) expect(text).toContain(`| \`${name}\` |`);
  });

  it('has an example of every message', () => {
    expect(examples.map(({ type }) => type)).toEqual(Object.keys(TYPES));
  });

  it.each(examples)('gives the digest of $type as our code does', (example) => {
    expect(`0x${toHex(ours(example))}`).toBe(example.digest);
  });

  it.each(examples)('gives the digest of $type as tronweb does', ({ type, message, digest }) => {
    const types = { [type]: fieldsOf(TYPES[type]) };
    const values = Object.fromEntries(
      types[type]!.map((field) => [field.name, message[field.name]]),
    );
    expect(utils._TypedDataEncoder.hash(domain, types, values)).toBe(digest);
  });

  it.each(examples)('gives a signature of $type that verifies', ({ digest, signature }) => {
    expect(verify(fromHex(digest), fromHex(signature), pair.publicKey)).toBe(true);
  });

  it('gives a session made of the Session example', () => {
    const { message, signature } = examples.find(({ type }) => type === 'Session')!;
    const session = `${message.account}.${message.validUntilMs}.${signature.slice(2)}`;
    expect(blocks('session')[0]?.trim()).toBe(session);
    expect(message.account).toBe(pair.address);
  });
});

import { createHash } from 'node:crypto';
import { type Address, addressWord } from '#libs/domain';
import type { CorpusPlan } from './plan.js';
import { OneNonceSigner } from './signer.js';

/** 32 bytes that follow from the seed and some words. */
export function derive(plan: CorpusPlan, ...words: readonly (string | number)[]): Uint8Array {
  return createHash('sha256')
    .update([plan.seed, ...words].join('/'))
    .digest();
}

/** A payee: it only receives, so it needs an address and a key to be registered with. */
export type Party = {
  readonly address: Address;
  readonly publicKey: Uint8Array;
  /** The address as it stands in signed messages. */
  readonly word: Uint8Array;
};

/** A payer: it signs. */
export type Payer = Party & { readonly signer: OneNonceSigner };

/** The payers of a corpus, by number. */
export function payersOf(plan: CorpusPlan): Payer[] {
  return Array.from({ length: plan.payers }, (_, number) => {
    const signer = signerOf(plan, 'payer', number);
    return { ...partyOf(signer), signer };
  });
}

/** The payees of a corpus, by number. */
export function payeesOf(plan: CorpusPlan): Party[] {
  return Array.from({ length: plan.payees }, (_, number) =>
    partyOf(signerOf(plan, 'payee', number)),
  );
}

function signerOf(plan: CorpusPlan, kind: string, number: number): OneNonceSigner {
  return new OneNonceSigner(derive(plan, kind, number), derive(plan, kind, number, 'nonce'));
}

function partyOf({ address, publicKey }: OneNonceSigner): Party {
  return { address, publicKey, word: addressWord(address) };
}

/** Number of the payer of a group of channels. */
export function payerOfGroup(plan: CorpusPlan, group: number): number {
  return group % plan.payers;
}

/** Number of the payee of a channel: not in step with the payers, so that all pairs come up. */
export function payeeOfChannel(plan: CorpusPlan, channel: number): number {
  return (channel * 7 + Math.floor(channel / plan.payers)) % plan.payees;
}

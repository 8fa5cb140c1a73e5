import { addressFromBytes } from '#libs/domain';
import { agree, differ } from '../difference.js';
import { ACCOUNT, CHANNEL, idOf, type KeptLeaf, keyOf, type Leaf } from '../leaves.js';
import type { EpochRow } from './epoch-row.js';
import type { Owed } from './owed.js';

/** Leaves that stand by rising keys, in pieces that are numbered and say where they begin: so they are found for proofs. */
export async function* inOrder(
  epoch: EpochRow,
  leaves: AsyncGenerator<KeptLeaf>,
): AsyncGenerator<Leaf> {
  let before: Buffer | undefined;
  let chunkNo = -1;
  for await (const leaf of leaves) {
    const { kind, id, firstKey } = leaf;
    if (firstKey !== undefined) {
      const row = leafKey(epoch, kind, id);
      chunkNo += 1;
      agree(row, 'piece', chunkNo, leaf.chunkNo);
      agree(row, 'first key of its piece', keyOf(kind, id), firstKey);
    }
    if (before !== undefined && Buffer.compare(before, id) >= 0) {
      differ(leafKey(epoch, kind, id), `a leaf behind ${keyOf(kind, before)}`, 'one before it');
    }
    before = id;
    yield leaf;
  }
}

/** Leaves that say what is owed, each of them; both come by rising keys. */
export async function* asOwed(
  epoch: EpochRow,
  kind: number,
  leaves: AsyncGenerator<Leaf>,
  owed: AsyncGenerator<Owed>,
): AsyncGenerator<Leaf> {
  for await (const leaf of leaves) {
    const next = await owed.next();
    const due = next.done === true ? undefined : next.value;
    const order = due === undefined ? -1 : Buffer.compare(leaf.id, idOf(kind, due.key));
    if (order > 0) {
      const row = leafKey(epoch, kind, idOf(kind, due?.key ?? ''));
      differ(row, `units owed by the journal ${due?.units}`, 'no leaf');
    }
    if (order < 0 || due?.units !== leaf.units) {
      const row = leafKey(epoch, kind, leaf.id);
      agree(row, 'units owed by the journal', order < 0 ? 'nothing' : due?.units, leaf.units);
    }
    if (kind !== ACCOUNT && due !== undefined) {
      agree(leafKey(epoch, kind, leaf.id), 'content', contentOwed(due), contentOf(leaf));
    }
    yield leaf;
  }
  const left = await owed.next();
  if (left.done === true) return;
  const row = leafKey(epoch, kind, idOf(kind, left.value.key));
  differ(row, `units owed by the journal ${left.value.units}`, 'no leaf');
}

function leafKey({ epochNo }: EpochRow, kind: number, id: Buffer) {
  const name = kind === ACCOUNT ? 'account' : kind === CHANNEL ? 'channel' : 'line';
  return { table: 'settlement.epoch_leaves', key: `epoch ${epochNo}, ${name} ${keyOf(kind, id)}` };
}

// What a leaf says besides its key and its units.
function contentOf({ kind, bytes }: Leaf): string {
  const address = (at: number) => addressFromBytes(bytes.subarray(at, at + 20));
  if (kind !== CHANNEL) return `for ${address(36)}`;
  return `from ${address(32)} to ${address(52)}, ${bytes.readBigUInt64BE(72)} booked`;
}

function contentOwed({ payer, payee, booked }: Owed): string {
  return payer === undefined ? `for ${payee}` : `from ${payer} to ${payee}, ${booked} booked`;
}

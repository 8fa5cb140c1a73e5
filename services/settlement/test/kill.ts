import type { Database, Transaction } from '#libs/database';

/** A process died on purpose. */
export class Killed extends Error {}

/** When it dies. Inside: all is written and nothing of it committed. */
export type Moment = 'before' | 'inside' | 'after';

/** Lets a method of some part die before, inside or after its work, from its `pass`th call on. */
export function killAt(target: object, method: string, when: Moment, pass = 1): void {
  const work = Reflect.get(target, method) as (...args: unknown[]) => Promise<unknown>;
  let calls = 0;
  Reflect.set(target, method, async (...args: unknown[]) => {
    calls += 1;
    if (calls < pass) return work.apply(target, args);
    if (when === 'inside') await work.apply(withoutCommit(target), args);
    if (when === 'after') await work.apply(target, args);
    throw new Killed(`${when} ${method}`);
  });
}

/** The same repository on a database that dies whenever it is about to commit. */
function withoutCommit(repository: object): object {
  const { database } = repository as { readonly database: Database };
  const dying = {
    transaction: (work: (tx: Transaction) => Promise<unknown>) =>
      database.transaction(async (tx) => {
        await work(tx);
        throw new Killed('inside a transaction');
      }),
  };
  return Object.assign(Object.create(repository), { database: dying });
}

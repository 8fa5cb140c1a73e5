/** A process died on purpose. */
export class Killed extends Error {}

/** Lets a method of some part die before or after its work, from then on. */
export function killAt(target: object, method: string, when: 'before' | 'after'): void {
  const work = Reflect.get(target, method) as (...args: unknown[]) => Promise<unknown>;
  Reflect.set(target, method, async (...args: unknown[]) => {
    if (when === 'after') await work.apply(target, args);
    throw new Killed(`${when} ${method}`);
  });
}

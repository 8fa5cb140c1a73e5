const NONE = -1;

/**
 * The claims of one flush, grouped by channel. A group is a number; its claims are a list through
 * the claim columns' `next`, in order of arrival.
 */
export class Flush {
  groups = 0;
  claims = 0;
  readonly row: Int32Array;
  readonly head: Int32Array;
  readonly tail: Int32Array;
  /** The highest claim of the group, of equals the one that came first. */
  readonly best: Int32Array;
  /** The claim that is logged, or -1: its group's list is then all that it answers. */
  readonly winner: Int32Array;
  /** 1 for a group of footholds, of which none is logged; a channel may have one beside its other. */
  readonly isFoothold: Uint8Array;

  constructor(
    /** Tells flushes under way apart. */
    readonly number: number,
    readonly groupsMax: number,
  ) {
    this.row = new Int32Array(groupsMax);
    this.head = new Int32Array(groupsMax);
    this.tail = new Int32Array(groupsMax);
    this.best = new Int32Array(groupsMax);
    this.winner = new Int32Array(groupsMax);
    this.isFoothold = new Uint8Array(groupsMax);
  }

  clear(): void {
    this.groups = 0;
    this.claims = 0;
  }

  /** A new group of one claim. */
  open(row: number, slot: number, isFoothold: boolean): number {
    const group = this.groups++;
    this.row[group] = row;
    this.head[group] = slot;
    this.tail[group] = slot;
    this.best[group] = slot;
    this.winner[group] = NONE;
    this.isFoothold[group] = isFoothold ? 1 : 0;
    return group;
  }

  /** Adds a claim at the end of a group's list. */
  append(group: number, slot: number, next: Int32Array): void {
    next[this.tail[group] ?? 0] = slot;
    this.tail[group] = slot;
  }

  /** Makes these slots the group's list. */
  relink(group: number, slots: readonly number[], next: Int32Array): void {
    this.head[group] = slots[0] ?? NONE;
    this.tail[group] = slots.at(-1) ?? NONE;
    slots.forEach((slot, at) => {
      next[slot] = slots[at + 1] ?? NONE;
    });
  }
}

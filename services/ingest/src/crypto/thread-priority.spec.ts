import { describe, expect, it } from 'vitest';
import { stepBack } from './thread-priority.js';

/** As Linux has it for those without privileges: down is free, up is forbidden. */
const scheduler = (nice: number) => {
  const state = { nice };
  const setPriority = (wanted: number) => {
    if (wanted < state.nice) throw new Error('EACCES');
    state.nice = wanted;
  };
  return { state, getPriority: () => state.nice, setPriority };
};

describe('a thread that steps back', () => {
  it.each([
    [0, 4],
    [10, 14],
    [17, 19],
    [19, 19],
  ])('goes from %s to %s', (from, to) => {
    const linux = scheduler(from);
    stepBack('linux', linux);
    expect(linux.state.nice).toBe(to);
  });

  it('works on where it may not', () => {
    const forbid = () => {
      throw new Error('EPERM');
    };
    expect(() => stepBack('linux', { getPriority: () => 0, setPriority: forbid })).not.toThrow();
    expect(() => stepBack('linux', { getPriority: forbid, setPriority: forbid })).not.toThrow();
  });

  it('leaves other systems alone, where threads have no priority of their own', () => {
    const other = scheduler(0);
    stepBack('darwin', other);
    expect(other.state.nice).toBe(0);
  });
});

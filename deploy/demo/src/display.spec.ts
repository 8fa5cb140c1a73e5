import { describe, expect, it } from 'vitest';
import { Display } from './display.js';

function capture(isTTY: boolean) {
  const written: string[] = [];
  let nowMs = 0;
  const out = { isTTY, write: (text: string) => written.push(text) };
  const display = new Display(out, () => (nowMs += 1_500));
  return { display, text: () => written.join('') };
}

describe('Display', () => {
  it('writes plain lines into a pipe', async () => {
    const { display, text } = capture(false);
    await display.phase('Pay', async (step) => {
      step.progress(1, 2);
      step.note('7 payments');
    });
    expect(text()).toBe('Pay ...\nPay done in 1.5 s: 7 payments\n');
  });

  it('tells a failed phase and passes its error on', async () => {
    const { display, text } = capture(false);
    const failing = display.phase('Pay', () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(text()).toContain('Pay FAILED');
  });

  it('draws bars on a terminal, those of phases at the same time below one another', async () => {
    const { display, text } = capture(true);
    await Promise.all(
      ['Pay', 'Download'].map((title) =>
        display.phase(title, async (step) => {
          step.progress(1, 2);
          display.print(`half of ${title}`);
        }),
      ),
    );
    expect(text()).toContain('█'.repeat(12));
    expect(text()).toContain('\u001b[2A');
    expect(text()).toContain('✔');
  });
});

/** A clock that stands still until a test moves it: time comes in as a value everywhere in the core. */
export class FakeClock {
  constructor(private currentMs: bigint = 1_700_000_000_000n) {}

  /** Milliseconds since 1970, as the code under test gets them. */
  readonly nowMs = (): bigint => this.currentMs;

  advanceMs(byMs: bigint): void {
    if (byMs < 0n) throw new Error('time does not run backwards');
    this.currentMs += byMs;
  }
}

/** One thing that must work for the process to be ready; throws or rejects with the reason when it does not. */
export type Check = () => void | Promise<void>;

/** What a readiness probe sees. */
export type HealthReport = { readonly ready: boolean; readonly checks: Record<string, string> };

const CHECK_TIMEOUT_MS = 2_000;

/** Named checks of one process. A check that hangs counts as failed after two seconds. */
export class Health {
  readonly #checks = new Map<string, Check>();
  #draining = false;

  add(name: string, check: Check): void {
    this.#checks.set(name, check);
  }

  /** From now on not ready: the process finishes what it has and stops. */
  drain(): void {
    this.#draining = true;
  }

  async report(): Promise<HealthReport> {
    const results = await Promise.all(
      [...this.#checks].map(async ([name, check]) => [name, await outcome(check)] as const),
    );
    const checks = Object.fromEntries(results);
    if (this.#draining) checks.process = 'draining';
    return { ready: Object.values(checks).every((text) => text === 'ok'), checks };
  }
}

async function outcome(check: Check): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('no answer'), CHECK_TIMEOUT_MS);
  });
  const checked = (async () => {
    await check();
    return 'ok';
  })().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  try {
    return await Promise.race([checked, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

import type { ServiceHealth } from '../domain/snapshot.js';

/** Longer than a service's own checks may take (two seconds), so that its verdict is still read. */
const TIMEOUT_MS = 3_000;

/** Largest answer that is read; a page of metrics has about 20 KB. */
const ANSWER_BYTES_MAX = 1024 * 1024;

/** Checks shown of one service, and the length of each text. */
const CHECKS_MAX = 32;
const TEXT_MAX = 300;

/** Reads a service's readiness and a few of its metrics; rejects when nothing answers. */
export async function readServiceHealth(opsUrl: string): Promise<ServiceHealth> {
  const [readiness, metrics] = await Promise.all([
    get(`${opsUrl}/readyz`),
    // A service that cannot tell its metrics is still judged by its readiness.
    get(`${opsUrl}/metrics`).catch(() => ({ status: 0, body: '' })),
  ]);
  const checks = checksOf(readiness.body);
  if (checks === undefined) throw new Error(`/readyz answered ${readiness.status} without checks`);
  const startedAtSeconds = metricOf(metrics.body, 'process_start_time_seconds');
  return {
    ready: readiness.status === 200,
    checks,
    startedAtMs: startedAtSeconds === null ? null : Math.round(startedAtSeconds * 1_000),
    version: labelOf(metrics.body, 'swarmledger_build_info', 'version'),
    memoryBytes: metricOf(metrics.body, 'process_resident_memory_bytes'),
    paymentsAccepted: metricOf(metrics.body, 'swarmledger_payments_accepted_total'),
  };
}

async function get(url: string): Promise<{ status: number; body: string }> {
  let response: Response;
  try {
    response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new Error(`does not answer: ${rootCause(error)}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`${new URL(url).pathname} answers without end`);
    chunks.push(chunk);
  }
  return { status: response.status, body: Buffer.concat(chunks).toString('utf8') };
}

function rootCause(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}

// What a service says about itself is shown to people: bounded, and text only.
function checksOf(body: string): Record<string, string> | undefined {
  try {
    const { checks } = JSON.parse(body) as { checks?: unknown };
    if (typeof checks !== 'object' || checks === null) return undefined;
    return Object.fromEntries(
      Object.entries(checks)
        .slice(0, CHECKS_MAX)
        .map(([name, text]) => [name.slice(0, TEXT_MAX), String(text).slice(0, TEXT_MAX)]),
    );
  } catch {
    return undefined;
  }
}

// The sum over a metric's labels; null when the process has no such metric.
function metricOf(text: string, name: string): number | null {
  const lines = text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'gm'));
  const values = [...lines].map(([, value]) => Number(value)).filter(Number.isFinite);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
}

function labelOf(text: string, name: string, label: string): string | null {
  return new RegExp(`^${name}\\{[^}]*\\b${label}="([^"]{0,64})"`, 'm').exec(text)?.[1] ?? null;
}

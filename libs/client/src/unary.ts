import { type CallOptions, type ClientUnaryCall, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Reason } from '#libs/domain';
import { judge, LedgerRefusal, LedgerUnavailable, OutcomeUnknown } from './errors.js';
import { backoffMs, type CallPolicy, pause } from './policy.js';

/** A generated client method, bound to its client. */
export type UnaryMethod<Req, Res> = (
  request: Req,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Res) => void,
) => ClientUnaryCall;

/** How one kind of call is made. */
export type UnaryCall<Req, Res> = {
  /** For messages, e.g. `OpenChannel`. */
  readonly name: string;
  readonly method: UnaryMethod<Req, Res>;
  /** A read changes nothing, so a lost answer to it is never an unknown outcome. */
  readonly effect: 'read' | 'write';
  /** Session metadata for an attempt; `fresh` after the server turned the last one down. */
  readonly metadata?: ((fresh: boolean) => Metadata) | undefined;
};

/** A server that fails by itself is asked this often. */
const FAULTS_MAX = 3;

/**
 * Calls until an answer, a refusal or the end of the policy's time. Every write of this API carries
 * an id made by the client, so repeating it is safe.
 *
 * Rejects with {@link LedgerRefusal}, {@link LedgerUnavailable} or {@link OutcomeUnknown}.
 */
export async function callUnary<Req, Res>(
  call: UnaryCall<Req, Res>,
  request: Req,
  policy: CallPolicy,
): Promise<Res> {
  const endMs = Date.now() + policy.retryForMs;
  let unchanged = true;
  let faults = 0;
  let fresh = false;
  let reason: Reason | undefined;
  for (let attempt = 1; ; attempt++) {
    const answer = await attemptOnce(
      call,
      request,
      Math.min(Date.now() + policy.deadlineMs, endMs),
      fresh,
    );
    if (answer.ok) return answer.value;
    const verdict = judge(answer.error);
    if (verdict.kind === 'broken') throw new LedgerUnavailable(`${call.name}: ${verdict.detail}`);
    if (verdict.kind === 'refused') {
      const renew = verdict.reason === 'UNAUTHENTICATED' && call.metadata !== undefined && !fresh;
      if (!renew) throw new LedgerRefusal(verdict.reason, verdict.detail);
      fresh = true;
      continue;
    }
    unchanged &&= verdict.unchanged;
    reason = verdict.reason ?? reason;
    if (verdict.serverFault) faults += 1;
    const pauseMs = backoffMs(policy, attempt, Math.random());
    if (faults >= FAULTS_MAX || Date.now() + pauseMs >= endMs) {
      const text = `${call.name}: no answer in ${attempt} attempts, the last one: ${verdict.detail}`;
      throw unchanged || call.effect === 'read'
        ? new LedgerUnavailable(text, reason && { reason })
        : new OutcomeUnknown(text);
    }
    await pause(pauseMs);
  }
}

type Attempt<Res> =
  | { readonly ok: true; readonly value: Res }
  | { readonly ok: false; readonly error: ServiceError };

function attemptOnce<Req, Res>(
  call: UnaryCall<Req, Res>,
  request: Req,
  deadlineMs: number,
  fresh: boolean,
): Promise<Attempt<Res>> {
  const metadata = call.metadata?.(fresh) ?? new Metadata();
  return new Promise((resolve, reject) => {
    try {
      call.method(request, metadata, { deadline: deadlineMs }, (error, value) => {
        resolve(error === null ? { ok: true, value } : { ok: false, error });
      });
    } catch (cause) {
      // grpc-js throws at once on a closed client and on a request that does not encode.
      reject(new LedgerUnavailable(`${call.name}: ${String(cause)}`, { cause }));
    }
  });
}

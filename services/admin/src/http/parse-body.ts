import type { z } from 'zod';
import { refuse } from '#libs/domain';
import { RefusedError } from '#libs/grpc';

/** The body of a request in its expected shape; throws the MALFORMED refusal that names the field. */
export function parseBody<S extends z.ZodType>(shape: S, body: unknown): z.infer<S> {
  const parsed = shape.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') || 'body';
  throw new RefusedError(refuse('MALFORMED', `${field}: ${issue?.message ?? 'not understood'}`));
}

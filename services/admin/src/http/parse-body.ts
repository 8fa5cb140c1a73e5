import { z } from 'zod';
import { refuse } from '#libs/domain';
import { RefusedError } from '#libs/grpc';

/** Words of an operator, without blanks around them. A zero byte or half a pair could not be kept in the record as it is hashed. */
export function words(min: number, max: number) {
  const storable = (text: string) => text.isWellFormed() && !text.includes('\0');
  return z.string().trim().min(min).max(max).refine(storable, 'expected text');
}

/** The body of a request in its expected shape; throws the MALFORMED refusal that names the field. */
export function parseBody<S extends z.ZodType>(shape: S, body: unknown): z.infer<S> {
  const parsed = shape.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') || 'body';
  throw new RefusedError(refuse('MALFORMED', `${field}: ${issue?.message ?? 'not understood'}`));
}

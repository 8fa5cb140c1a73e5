import { TronNodeError } from './errors.js';

/**
 * The text of an answer of at most `bytesMax` bytes, unpacked. Throws `malformed` as soon as it is longer, so that a
 * node cannot fill the memory of those who ask it.
 */
export async function readBounded(
  response: Response,
  bytesMax: number,
  path: string,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new TronNodeError('malformed', `${path}: the answer is too large`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks, bytes));
}

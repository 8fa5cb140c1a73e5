/** A mistake in what is to be armed, or a place where nothing may be armed. */
export class FailPointError extends Error {
  override readonly name = 'FailPointError';
}

/** What happens at a fail-point, and at which pass (1 is the next). */
export type ArmedPoint = {
  readonly name: string;
  readonly pass: number;
  readonly action: 'kill' | 'stop';
};

const ENTRY = /^([a-z]+\.[a-z-]+):([1-9]\d{0,6})(:stop)?$/;

/**
 * Reads `name:pass[:stop]`, comma-separated; an empty text arms nothing. Throws a FailPointError for an
 * unknown name, a name given twice or a text of another form: a crash test must not pass because of a typing error.
 */
export function parseFailPoints(text: string, known: readonly string[]): ArmedPoint[] {
  const entries = text.split(',').flatMap((entry) => entry.trim() || []);
  const points = entries.map((entry): ArmedPoint => {
    const [, name = '', pass, stop] = ENTRY.exec(entry) ?? [];
    if (pass === undefined) {
      throw new FailPointError(`"${entry}" is not name:pass or name:pass:stop`);
    }
    if (!known.includes(name)) {
      throw new FailPointError(`there is no fail-point "${name}"; there are ${known.join(', ')}`);
    }
    return { name, pass: Number(pass), action: stop === undefined ? 'kill' : 'stop' };
  });
  if (new Set(points.map(({ name }) => name)).size < points.length) {
    throw new FailPointError(`"${text}" names a fail-point twice`);
  }
  return points;
}

const ROWS_PER_WRITE = 2_000;

/** Writes rows in the text form of COPY; resolves when the server has taken all. */
export async function copyRows(
  into: NodeJS.WritableStream,
  rows: Iterable<readonly (string | number)[]>,
): Promise<void> {
  const finished = new Promise<void>((resolve, reject) => {
    into.once('error', reject);
    into.once('finish', resolve);
  });
  // Awaited at the end; an error before that must not count as unhandled.
  finished.catch(() => undefined);
  let lines: string[] = [];
  const flush = async () => {
    const hasRoom = into.write(`${lines.join('\n')}\n`);
    lines = [];
    if (!hasRoom) await new Promise((resolve) => into.once('drain', resolve));
  };
  for (const row of rows) {
    lines.push(row.join('\t'));
    if (lines.length === ROWS_PER_WRITE) await flush();
  }
  if (lines.length > 0) await flush();
  into.end();
  await finished;
}

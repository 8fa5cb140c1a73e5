import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { compiled } from '../../local/src/root.js';

const MAIN = compiled('deploy/verify/src/main.js');

/** How a run of the command ended. */
export type Run = { readonly code: number; readonly out: string; readonly err: string };

/** Runs `npm run verify` as it would be run, with its output in pipes; the environment is what is given and no more. */
export async function runVerify(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Run> {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: build first (npm run build)`);
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH, ...env } });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { code, out, err };
}

/** A node behind a provider that wants an API key: passes on what carries the header, refuses the rest. */
export async function guardedNode(
  url: string,
  header: string,
  key: string,
): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer(async (request, response) => {
    if (request.headers[header.toLowerCase()] !== key) {
      response.writeHead(401).end('{}');
      return;
    }
    const body = await text(request);
    const answer = await fetch(`${url}${request.url}`, { method: 'POST', body });
    response.writeHead(answer.status).end(await answer.text());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { url: `http://127.0.0.1:${address.port}`, server };
}

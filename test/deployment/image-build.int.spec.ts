import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, matchesGlob, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../deploy/checks/src/tools.js';
import { ROLES } from '../../deploy/container/src/roles.js';

// What `docker build` does between `npm ci` and the runtime stage, without Docker: the same files, the same compiler.
const dockerfile = readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8');
const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !/^[#!*]$|^[#!]/.test(line));
const isIgnored = (path: string) => ignored.some((pattern) => matchesGlob(path, pattern));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'swarmledger-image-'));
  const build = /AS build\n([\s\S]*?)\nFROM /.exec(dockerfile)?.[1] ?? '';
  const sources = [...build.matchAll(/^COPY (\S+) (\S+)$/gm)].map(([, source = '']) => source);
  for (const source of ['package.json', ...sources]) {
    cpSync(join(ROOT, source), join(folder, source), {
      recursive: true,
      filter: (path) => !isIgnored(relative(ROOT, path)),
    });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the build stage of deploy/Dockerfile', () => {
  it('compiles from the files that the builder gets, with every role in the result', async () => {
    const command = /RUN (node_modules\/\.bin\/tsc .*)$/m.exec(dockerfile)?.[1]?.split(' ') ?? [];
    const [compiler = '', ...args] = command;
    await promisify(execFile)(join(folder, compiler), args, { cwd: folder }).catch(
      (error: { stdout?: string }) => {
        throw new Error(`the image does not compile:\n${error.stdout ?? String(error)}`);
      },
    );
    for (const path of [...Object.values(ROLES), 'contracts/src/provision.js']) {
      expect(existsSync(join(folder, 'dist', path)), path).toBe(true);
    }
    expect(existsSync(join(folder, 'libs/testing'))).toBe(false);
    expect(existsSync(join(folder, 'deploy/local'))).toBe(false);
  });
});

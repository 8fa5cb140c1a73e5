import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../deploy/checks/src/tools.js';

type Instruction = { readonly keyword: string; readonly rest: string };
type Stage = { readonly name: string; readonly base: string; readonly instructions: Instruction[] };

/** Instructions of a Dockerfile, continued lines joined and comments dropped. */
function instructionsOf(text: string): Instruction[] {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  const joined = lines
    .join('\n')
    .replace(/\\\n\s*/g, ' ')
    .split('\n');
  return joined
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [keyword = '', ...rest] = line.trim().split(/\s+/);
      return { keyword: keyword.toUpperCase(), rest: rest.join(' ') };
    });
}

function stagesOf(instructions: readonly Instruction[]): Stage[] {
  const stages: Stage[] = [];
  for (const instruction of instructions) {
    const from = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(instruction.rest);
    if (instruction.keyword === 'FROM' && from) {
      stages.push({ base: from[1] ?? '', name: from[2] ?? '', instructions: [] });
    } else stages.at(-1)?.instructions.push(instruction);
  }
  return stages;
}

const all = instructionsOf(readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8'));
const stages = stagesOf(all);
const stage = (name: string): Stage => {
  const found = stages.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no stage ${name}`);
  return found;
};
const last = (of: Stage, keyword: string) =>
  of.instructions.findLast((each) => each.keyword === keyword)?.rest;

describe('deploy/Dockerfile', () => {
  it('uses only known instructions and knows every stage it builds on', () => {
    const known = 'ARG FROM WORKDIR RUN COPY ENV USER STOPSIGNAL EXPOSE HEALTHCHECK ENTRYPOINT CMD';
    for (const { keyword } of all) expect(known.split(' ')).toContain(keyword);
    const earlier = new Set<string>();
    for (const each of stages) {
      expect(/^node:\$\{NODE_VERSION\}-slim$/.test(each.base) || earlier.has(each.base)).toBe(true);
      earlier.add(each.name);
    }
    for (const { rest } of all.filter((each) => each.rest.startsWith('--from='))) {
      expect(earlier).toContain(/^--from=(\S+)/.exec(rest)?.[1]);
    }
  });

  it('pins the Node that the lock file brings to everybody else', () => {
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string }>;
    };
    const argument = all.find((each) => each.keyword === 'ARG')?.rest;
    expect(argument).toBe(`NODE_VERSION=${lock.packages['node_modules/node']?.version}`);
  });

  it('copies only what exists and .dockerignore lets through', () => {
    const ignore = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    for (const each of stages) {
      for (const { keyword, rest } of each.instructions) {
        if (keyword !== 'COPY' || rest.startsWith('--from=')) continue;
        for (const source of rest.split(' ').slice(0, -1)) {
          expect(existsSync(join(ROOT, source)), `COPY ${source}`).toBe(true);
          const top = source.split('/')[0];
          expect(ignore, `.dockerignore lacks !${top}`).toContain(`!${top}`);
        }
      }
    }
  });

  it.each(['runtime', 'devchain'])(
    '%s runs without root, by exec form, with a health check',
    (name) => {
      const of = stage(name);
      expect(last(of, 'USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
      expect(last(of, 'STOPSIGNAL')).toBe('SIGTERM');
      expect(last(of, 'ENTRYPOINT')).toMatch(/^\["node", .*deploy\/container\/src\/main\.js"\]$/);
      expect(last(of, 'HEALTHCHECK')).toContain('deploy/container/src/healthcheck.js');
      const user = of.instructions.findIndex((each) => each.keyword === 'USER');
      expect(of.instructions.slice(user).some((each) => each.keyword === 'RUN')).toBe(false);
    },
  );

  it('ships production dependencies only, and no sources', () => {
    const copies = stage('runtime').instructions.filter((each) => each.keyword === 'COPY');
    expect(copies.map((each) => each.rest)).toEqual([
      'package.json ./',
      '--from=production-dependencies /app/node_modules node_modules',
      '--from=build /app/dist dist',
      'libs/database/migrations libs/database/migrations',
      'contracts/artifacts contracts/artifacts',
      'services/admin/public services/admin/public',
    ]);
    expect(last(stage('production-dependencies'), 'RUN')).toContain('npm ci --omit=dev');
    expect(stages.at(-1)?.name).toBe('runtime');
  });
});

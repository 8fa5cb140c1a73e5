import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checksumFaults, parseChecksums } from './checksums.js';
import { defaultJarPaths, KAFKA_VERSION } from './kafka-jars.js';

const OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

describe('checksums of the broker', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sums-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('are read from lines of sha256sum', () => {
    expect(parseChecksums(`${OF_ABC}  a.jar\n\n${OF_ABC} *b.jar\n`)).toEqual(
      new Map([
        ['a.jar', OF_ABC],
        ['b.jar', OF_ABC],
      ]),
    );
    expect(() => parseChecksums('abc  a.jar')).toThrow('not a checksum line: abc  a.jar');
  });

  test('accept the listed files and ignore what is no jar', async () => {
    writeFileSync(join(folder, 'a.jar'), 'abc');
    writeFileSync(join(folder, 'verified'), '');
    expect(await checksumFaults(folder, new Map([['a.jar', OF_ABC]]))).toEqual([]);
  });

  test('name each changed, missing and extra file', async () => {
    writeFileSync(join(folder, 'a.jar'), 'abd');
    writeFileSync(join(folder, 'c.jar'), 'abc');
    const list = new Map([
      ['a.jar', OF_ABC],
      ['b.jar', OF_ABC],
    ]);
    expect(await checksumFaults(folder, list)).toEqual([
      'a.jar has changed',
      'b.jar is missing',
      'c.jar is not on the list',
    ]);
  });

  test('are committed for the pinned version', () => {
    const names = [...parseChecksums(readFileSync(defaultJarPaths.checksums, 'utf8')).keys()];
    expect(names).toContain(`kafka_2.13-${KAFKA_VERSION}.jar`);
    expect(readFileSync(defaultJarPaths.pom, 'utf8')).toContain(
      `<version>${KAFKA_VERSION}</version>`,
    );
  });
});

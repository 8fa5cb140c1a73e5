import { afterEach, describe, expect, it } from 'vitest';
import { LoopbackSwarm } from './swarm.js';

let swarm: LoopbackSwarm | undefined;
afterEach(() => swarm?.stop());

describe('LoopbackSwarm', () => {
  it('downloads a file piece by piece from a seeder that a tracker told of', async () => {
    swarm = await LoopbackSwarm.start(2, 128 * 1024);
    expect(swarm.infoHash).toHaveLength(20);
    const pieces: number[] = [];
    expect(await swarm.download((bytes) => pieces.push(bytes), 20_000)).toBe(true);
    expect(pieces).toEqual(new Array(16).fill(128 * 1024));
  }, 30_000);
});

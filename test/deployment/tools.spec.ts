import { describe, expect, it, vi } from 'vitest';
import { ensureTool } from '../../deploy/checks/src/tools.js';

describe('ensureTool', () => {
  it('says in one sentence what is missing when there is no Go', async () => {
    vi.stubEnv('PATH', '/nonexistent');
    const tool = { name: 'never-built', package: 'example.invalid/tool', version: 'v0.0.0' };
    await expect(ensureTool(tool)).rejects.toThrow(
      'never-built v0.0.0 is not in .cache/tools and could not be built with Go (1.24 or newer, with access to its module proxy): no "go" on the PATH',
    );
    vi.unstubAllEnvs();
  });
});

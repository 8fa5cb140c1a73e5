import { existsSync, rmSync } from 'node:fs';
import { build } from './build.mjs';
import { inRoot, projectNode, tool, toolEnvironment } from './paths.mjs';
import { runInForeground } from './process.mjs';

/** Makes everything that is generated and committed. Returns an exit code. */
export async function generate() {
  // Files of messages that no longer exist would stay otherwise.
  rmSync(inRoot('libs', 'contracts', 'src', 'generated'), { recursive: true, force: true });
  const code = await runInForeground(tool('buf'), ['generate'], toolEnvironment());
  if (code !== 0) return code;
  const built = await build();
  const compiler = inRoot('dist', 'contracts', 'src', 'compile.js');
  if (built !== 0 || !existsSync(compiler)) return built;
  return await runInForeground(projectNode(), [compiler], toolEnvironment());
}

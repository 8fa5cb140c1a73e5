import { registerHooks } from 'node:module';

/**
 * Lets a worker run from the TypeScript sources, in tests: Node strips the types by itself, but imports
 * name the compiled files. Preloaded with `--import`; never in a build.
 */
registerHooks({
  resolve(specifier, context, next) {
    const fromSource = specifier.startsWith('.') && context.parentURL?.endsWith('.ts') === true;
    return next(fromSource ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

import { registerHooks } from 'node:module';

// The verify worker on a platform for which libsecp256k1 was not built.
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('secp256k1/')) throw new Error('No native build was found');
    return next(specifier, context);
  },
});
await import('../src/crypto/verify.worker.js');

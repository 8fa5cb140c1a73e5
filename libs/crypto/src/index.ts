export { type KeyPair, keyPairOf, parsePublicKey, sign, signedBy, verify } from './secp256k1.js';
export { sha256 } from './sha256.js';

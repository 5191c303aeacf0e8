export * from './api-key.js';
export * from './api-token.js';
export * from './environment.js';
export * from './errors.js';
export { generateKeyMaterial } from './generate-keys.js';
export {
  type EcJwk,
  type Jwks,
  type OctJwk,
  type PublicJwk,
  publicJwks,
  type RsaJwk,
  signingJwks,
  verificationJwks,
} from './jwks.js';
export * from './key-material.js';
export * from './parse-key-material.js';
export * from './render-environment.js';
export * from './rotate-key.js';
export { type TokenFault, type TokenVerdict, verifyToken } from './verify-token.js';

import { generateApiKey } from './api-key.js';
import { createKey, generateJwtSecret, generateSigningJwk } from './generate-keys.js';
import { algorithmOf, type KeyKind, type KeyMaterial, type KeyRing, type SigningAlgorithm } from './key-material.js';

export interface RotationOptions {
  readonly now: Date;
  /** How long what is replaced stays valid; 0: not at all. */
  readonly graceMilliseconds: number;
  /** Of a new signing key; default: the same as before. */
  readonly signingAlgorithm?: SigningAlgorithm;
}

/** The same keys with a new one of this kind in use. Not pure: the new key is random. */
export function rotateKey(material: KeyMaterial, kind: KeyKind, options: RotationOptions): KeyMaterial {
  switch (kind) {
    case 'jwt-secret':
      return { ...material, [kind]: replaceCurrent(material[kind], generateJwtSecret(), options) };
    case 'signing': {
      const made = generateSigningJwk(options.signingAlgorithm ?? algorithmOf(material[kind].current.value));
      return { ...material, [kind]: replaceCurrent(material[kind], made, options) };
    }
    case 'publishable':
    case 'secret':
      return { ...material, [kind]: replaceCurrent(material[kind], generateApiKey(kind), options) };
  }
}

/** No earlier key outlives this grace, so that a short one after a leak ends those as well. Expired keys are dropped. */
function replaceCurrent<Value>(ring: KeyRing<Value>, value: Value, options: RotationOptions): KeyRing<Value> {
  const now = options.now.getTime();
  const end = now + options.graceMilliseconds;
  const retire = (expiresAt: number) => new Date(Math.min(expiresAt, end)).toISOString();
  const retired = [
    { ...ring.current, expiresAt: retire(end) },
    ...ring.previous.map((key) => ({ ...key, expiresAt: retire(Date.parse(key.expiresAt)) })),
  ];
  return {
    current: createKey(value, options.now),
    previous: retired.filter(({ expiresAt }) => Date.parse(expiresAt) > now),
  };
}

import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { generateApiKey } from './api-key.js';
import type { Key, KeyMaterial, KeyRing, SigningAlgorithm, SigningJwk } from './key-material.js';

/** New keys of every kind. Not pure. */
export function generateKeyMaterial(now: Date): KeyMaterial {
  const ring = <Value>(value: Value): KeyRing<Value> => ({ current: createKey(value, now), previous: [] });
  return {
    version: 1,
    'jwt-secret': ring(generateJwtSecret()),
    signing: ring(generateSigningJwk('ES256')),
    publishable: ring(generateApiKey('publishable')),
    secret: ring(generateApiKey('secret')),
  };
}

/** Not pure: the id is random. */
export function createKey<Value>(value: Value, now: Date): Key<Value> {
  return { id: randomUUID(), createdAt: now.toISOString(), value };
}

/** 48 characters from 36 random bytes. */
export function generateJwtSecret(): string {
  return randomBytes(36).toString('base64url');
}

export function generateSigningJwk(algorithm: SigningAlgorithm): SigningJwk {
  return algorithm === 'RS256' ? generateRsaJwk() : generateEcJwk();
}

function generateEcJwk(): SigningJwk {
  const { x, y, d } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  if (x === undefined || y === undefined || d === undefined) throw new Error('an EC key without coordinates');
  return { kty: 'EC', crv: 'P-256', x, y, d };
}

/** 2048 bits: what RFC 7518, 3.3 asks for; longer ones take several times as long to sign by. */
function generateRsaJwk(): SigningJwk {
  const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const part = (name: 'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi'): string => {
    const value = jwk[name];
    if (typeof value !== 'string') throw new Error(`an RSA key without ${name}`);
    return value;
  };
  return {
    kty: 'RSA',
    n: part('n'),
    e: part('e'),
    d: part('d'),
    p: part('p'),
    q: part('q'),
    dp: part('dp'),
    dq: part('dq'),
    qi: part('qi'),
  };
}

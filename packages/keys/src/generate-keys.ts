import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { generateApiKey } from './api-key.js';
import type { Key, KeyMaterial, KeyRing, SigningJwk } from './key-material.js';

/** New keys of every kind. Not pure. */
export function generateKeyMaterial(now: Date): KeyMaterial {
  const ring = <Value>(value: Value): KeyRing<Value> => ({ current: createKey(value, now), previous: [] });
  return {
    version: 1,
    'jwt-secret': ring(generateJwtSecret()),
    signing: ring(generateSigningJwk()),
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

export function generateSigningJwk(): SigningJwk {
  const { x, y, d } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  if (x === undefined || y === undefined || d === undefined) throw new Error('an EC key without coordinates');
  return { kty: 'EC', crv: 'P-256', x, y, d };
}

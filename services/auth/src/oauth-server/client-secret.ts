import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 bits: too many to guess, so that a fast hash is enough. */
export function newClientSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** base64url(SHA-256), as the column holds it. */
export function hashClientSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

export function isClientSecret(secret: string, stored: string): boolean {
  const [given, known] = [Buffer.from(hashClientSecret(secret)), Buffer.from(stored)];
  return given.length === known.length && timingSafeEqual(given, known);
}

import { createHash, randomInt } from 'node:crypto';

/** What is stored of a code: SHA-224 of address and code, hex (supabase/auth, internal/crypto/crypto.go). */
export function hashToken(emailOrPhone: string, otp: string): string {
  return createHash('sha224')
    .update(emailOrPhone + otp)
    .digest('hex');
}

/** Digits, none likelier than another. */
export function newOtp(length: number): string {
  return Array.from({ length }, () => randomInt(10)).join('');
}

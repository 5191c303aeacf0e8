import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * The verifier that PostgreSQL stores for a password (`SCRAM-SHA-256$…`; RFC 5802 section 3, PostgreSQL's scram_build_secret),
 * so that CREATE ROLE never carries the password itself into a log. Only for printable ASCII passwords, which need no SASLprep.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16), iterations = 4096): string {
  if (!/^[\x20-\x7e]+$/.test(password)) throw new RangeError('scramVerifier takes printable ASCII only');
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

/** Whether a password is the one that a stored verifier was made from. False for a verifier of another kind. */
export function matchesScramVerifier(password: string, verifier: string): boolean {
  const [, iterations, salt] = /^SCRAM-SHA-256\$(\d{1,7}):([A-Za-z0-9+/=]+)\$/.exec(verifier) ?? [];
  if (iterations === undefined || salt === undefined) return false;
  const made = Buffer.from(scramVerifier(password, Buffer.from(salt, 'base64'), Number(iterations)));
  const stored = Buffer.from(verifier);
  return made.length === stored.length && timingSafeEqual(made, stored);
}

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * How two agents know each other: each shows that it has the cluster's secret, by an HMAC (SHA-256) of a number that the other one made up, with
 * its own side and name, so that no answer serves twice or in the other direction.
 *
 *     caller   peer NAME NONCE
 *     answerer NONCE PROOF('answerer', its name, the caller's nonce)
 *     caller   PROOF('caller', its name, the answerer's nonce)
 */
export function makeNonce(): string {
  return randomBytes(18).toString('base64url');
}

export function makeProof(secret: string, side: 'caller' | 'answerer', name: string, nonce: string): string {
  return createHmac('sha256', secret).update(`${side} ${name} ${nonce}`).digest('base64url');
}

export function isProof(
  given: string,
  secret: string,
  side: 'caller' | 'answerer',
  name: string,
  nonce: string,
): boolean {
  const wanted = Buffer.from(makeProof(secret, side, name, nonce));
  const shown = Buffer.from(given);
  return shown.length === wanted.length && timingSafeEqual(shown, wanted);
}

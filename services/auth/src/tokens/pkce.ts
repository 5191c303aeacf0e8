import { createHash, timingSafeEqual } from 'node:crypto';
import { badRequest, validationFailed } from '../errors.js';

export type ChallengeMethod = 's256' | 'plain';

export interface Challenge {
  readonly challenge: string;
  readonly method: ChallengeMethod;
}

export const pkcePrefix = 'pkce_';

/**
 * The challenge of a request, undefined without one: the flow is implicit. 400 validation_failed where it is not as RFC 7636, 4.2 wants it, or
 * one of both is missing.
 */
export function readChallenge(challenge: string, method: string): Challenge | undefined {
  if (challenge === '' && method === '') return undefined;
  if (challenge === '' || method === '') {
    throw validationFailed('PKCE flow requires code_challenge_method and code_challenge');
  }
  const lower = method.toLowerCase();
  if (lower !== 's256' && lower !== 'plain') throw validationFailed('invalid code_challenge_method');
  if (challenge.length < 43 || challenge.length > 128) {
    throw validationFailed('code challenge has to be between 43 and 128 characters');
  }
  if (!/^[\w.~-]+$/.test(challenge)) {
    throw validationFailed(
      'code challenge can only contain alphanumeric characters, hyphens, periods, underscores and tildes',
    );
  }
  return { challenge, method: lower };
}

/** 400 bad_code_verifier where the verifier does not fit (RFC 7636, 4.6). */
export function checkVerifier(challenge: string, method: string, verifier: string): void {
  const made = method.toLowerCase() === 's256' ? createHash('sha256').update(verifier).digest('base64url') : verifier;
  const [a, b] = [made, challenge].map((text) => createHash('sha256').update(text).digest());
  if (a === undefined || b === undefined || !timingSafeEqual(a, b)) {
    throw badRequest('bad_code_verifier', 'code challenge does not match previously saved code verifier');
  }
}

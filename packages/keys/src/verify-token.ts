import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { TokenAlgorithm } from './api-token.js';
import { type PublicJwk, publicJwk } from './jwks.js';
import {
  acceptedKeys,
  algorithmOf,
  type Key,
  type KeyMaterial,
  type SigningAlgorithm,
  type SigningJwk,
} from './key-material.js';

/** Characters; Node takes no larger header than 16 KiB either. */
export const longestToken = 8192;

/** Three parts of base64url; it may still hold anything. */
export const tokenPattern = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** How far clocks may differ; PostgREST's figure. */
const leewaySeconds = 30;

export type TokenFault = 'malformed' | 'algorithm' | 'unknown-key' | 'signature' | 'expired' | 'not-yet-valid';

export type TokenVerdict =
  | { readonly valid: true; readonly claims: JWTPayload; readonly algorithm: TokenAlgorithm; readonly keyId: string }
  | { readonly valid: false; readonly fault: TokenFault };

interface Candidate {
  readonly id: string;
  readonly key: Uint8Array | PublicJwk;
}

/**
 * Judges a token by its signature and its exp, nbf and iat, each where it is there. The algorithm decides which keys are tried and a key
 * serves one algorithm only, so that a token cannot choose to be checked with a public key as if that were a secret.
 */
export async function verifyToken(token: string, material: KeyMaterial, now: Date): Promise<TokenVerdict> {
  if (!isWellFormed(token)) return { valid: false, fault: 'malformed' };
  const header = readHeader(token);
  if (header === undefined) return { valid: false, fault: 'malformed' };
  const { alg: algorithm, kid } = header;
  if (algorithm !== 'HS256' && algorithm !== 'ES256' && algorithm !== 'RS256')
    return { valid: false, fault: 'algorithm' };
  const candidates = algorithm === 'HS256' ? secretsOf(material, now) : signersOf(material, algorithm, kid, now);
  for (const { id, key } of candidates) {
    const result = await checkWith(token, key, algorithm, now);
    if (typeof result === 'object') return { valid: true, claims: result, algorithm, keyId: id };
    if (result !== 'signature') return { valid: false, fault: result };
  }
  return { valid: false, fault: candidates.length === 0 ? 'unknown-key' : 'signature' };
}

/** Base64url has several spellings of the same bytes; only the canonical one passes, so that a token has no second form. */
function isWellFormed(token: string): boolean {
  if (token.length > longestToken || !tokenPattern.test(token)) return false;
  return token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
}

function readHeader(token: string): { readonly alg?: unknown; readonly kid?: unknown } | undefined {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return undefined;
  }
}

/** All of them: tokens by HS256 need not name their key. */
function secretsOf(material: KeyMaterial, now: Date): readonly Candidate[] {
  return acceptedKeys(material['jwt-secret'], now).map(({ id, value }) => ({ id, key: Buffer.from(value) }));
}

function signersOf(material: KeyMaterial, algorithm: SigningAlgorithm, kid: unknown, now: Date): readonly Candidate[] {
  return acceptedKeys(material.signing, now)
    .filter(({ id, value }) => id === kid && algorithmOf(value) === algorithm)
    .map((key) => ({ id: key.id, key: verifierOf(key) }));
}

/** jose remembers what it imported by the object's identity. */
const verifiers = new WeakMap<Key<SigningJwk>, PublicJwk>();

function verifierOf(key: Key<SigningJwk>): PublicJwk {
  const known = verifiers.get(key);
  if (known !== undefined) return known;
  const verifier = publicJwk(key);
  verifiers.set(key, verifier);
  return verifier;
}

async function checkWith(
  token: string,
  key: Uint8Array | PublicJwk,
  algorithm: TokenAlgorithm,
  now: Date,
): Promise<JWTPayload | TokenFault> {
  try {
    const options = { algorithms: [algorithm], clockTolerance: leewaySeconds, currentDate: now };
    const { payload } = await jwtVerify(token, key, options);
    return payload.iat !== undefined && payload.iat > now.getTime() / 1000 + leewaySeconds ? 'not-yet-valid' : payload;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature';
    if (error instanceof errors.JWTExpired) return 'expired';
    if (error instanceof errors.JWTClaimValidationFailed && error.reason === 'check_failed') return 'not-yet-valid';
    if (error instanceof errors.JOSEError) return 'malformed';
    throw error;
  }
}

import { type CryptoKey, importJWK, type JWK } from 'jose';

/** A key serves one algorithm only, so that no token can choose to be checked with a public key as if that were a secret. */
export interface VerificationKey {
  readonly algorithm: string;
  /** Undefined: it may be tried for any token. */
  readonly id: string | undefined;
  readonly key: CryptoKey | Uint8Array;
}

/** Of elliptic curves (RFC 7518, 3.4; RFC 8037). */
const algorithmOfCurve: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
};

const algorithmsOfType: Readonly<Record<string, readonly string[]>> = {
  oct: ['HS256', 'HS384', 'HS512'],
  RSA: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
};

/**
 * The keys of a `jwt-secret`: a secret for HS256 (text, or base64), one JWK, or a JWKS. Keys for encryption or of unknown kinds are left out; a key
 * set without any usable key gives an empty list, and every token is refused.
 */
export async function readVerificationKeys(secret: string, isBase64: boolean): Promise<readonly VerificationKey[]> {
  const jwks = readJwks(secret);
  if (jwks === undefined) {
    const key = isBase64 ? Buffer.from(secret, 'base64') : Buffer.from(secret);
    return [{ algorithm: 'HS256', id: undefined, key }];
  }
  const keys = await Promise.all(jwks.map(importKey));
  return keys.filter((key) => key !== undefined);
}

function readJwks(text: string): readonly JWK[] | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    if ('keys' in value && Array.isArray(value.keys)) return value.keys.filter(isJwk);
    return isJwk(value) ? [value] : undefined;
  } catch {
    return undefined;
  }
}

function isJwk(value: unknown): value is JWK {
  return typeof value === 'object' && value !== null && 'kty' in value && typeof value.kty === 'string';
}

async function importKey(jwk: JWK): Promise<VerificationKey | undefined> {
  const algorithm = algorithmOf(jwk);
  if (algorithm === undefined || jwk.use === 'enc') return undefined;
  // Only what verifies is kept of a private key, and a browser's idea of key_ops must not stand in the way.
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, oth: _oth, key_ops: _ops, ...publicPart } = jwk;
  try {
    const key = await importJWK(publicPart, algorithm);
    return { algorithm, id: jwk.kid, key };
  } catch {
    return undefined;
  }
}

function algorithmOf({ kty, crv, alg }: JWK): string | undefined {
  if (kty === 'EC' || kty === 'OKP') {
    const algorithm = crv === undefined ? undefined : algorithmOfCurve[crv];
    return alg === undefined || alg === algorithm ? algorithm : undefined;
  }
  const known = algorithmsOfType[kty ?? ''] ?? [];
  return alg === undefined ? known[0] : known.find((name) => name === alg);
}

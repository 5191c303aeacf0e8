import { compactVerify, decodeProtectedHeader, errors } from 'jose';
import { claimsRejected, tokenUndecodable } from '../errors/token-errors.js';
import type { VerificationKey } from './verification-keys.js';

export interface DecodedToken {
  readonly claims: Readonly<Record<string, unknown>>;
  /** The claims as they were signed: JSON. */
  readonly text: string;
}

/** Checks the signature; claims are not judged yet. Throws PGRST301, and PGRST303 where the claims are no JSON object. */
export async function decodeToken(token: string, keys: readonly VerificationKey[]): Promise<DecodedToken> {
  if (token === '') throw tokenUndecodable('Empty JWT is sent in Authorization header');
  const parts = token.split('.').length;
  if (parts !== 3) throw tokenUndecodable(`Expected 3 parts in JWT; got ${parts}`);
  const { algorithm, id } = readHeader(token);
  const suitable = keys.filter(
    (key) => key.algorithm === algorithm && (id === undefined || key.id === undefined || key.id === id),
  );
  if (suitable.length === 0) throw wrongKey('No suitable key was found to decode the JWT');
  for (const { key } of suitable) {
    const payload = await verify(token, key, algorithm);
    if (payload !== undefined) return readClaims(payload);
  }
  throw wrongKey('None of the keys was able to decode the JWT');
}

function wrongKey(details: string) {
  return tokenUndecodable('No suitable key or wrong key type', details);
}

function readHeader(token: string): { readonly algorithm: string; readonly id: string | undefined } {
  const header = protectedHeader(token);
  if (header === undefined || typeof header.alg !== 'string') throw tokenUndecodable("JWT couldn't be decoded");
  if (header.alg.toLowerCase() === 'none') {
    throw tokenUndecodable(
      'Wrong or unsupported encoding algorithm',
      "JWT is unsecured but expected 'alg' was not 'none'",
    );
  }
  return { algorithm: header.alg, id: typeof header.kid === 'string' ? header.kid : undefined };
}

function protectedHeader(token: string): { readonly alg?: unknown; readonly kid?: unknown } | undefined {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return undefined;
  }
}

async function verify(token: string, key: VerificationKey['key'], algorithm: string): Promise<Uint8Array | undefined> {
  try {
    const { payload } = await compactVerify(token, key, { algorithms: [algorithm] });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined;
    if (error instanceof errors.JOSEError || error instanceof TypeError) {
      throw tokenUndecodable('JWT cryptographic operation failed');
    }
    throw error;
  }
}

function readClaims(payload: Uint8Array): DecodedToken {
  const text = Buffer.from(payload).toString();
  try {
    const claims: unknown = JSON.parse(text);
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) {
      return { claims: claims as Readonly<Record<string, unknown>>, text };
    }
  } catch {
    // Said below.
  }
  throw claimsRejected('Parsing claims failed');
}

import { createHash } from 'node:crypto';
import { createLocalJWKSet, decodeProtectedHeader, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import type { AuthContext } from '../context.js';
import { OAuthError } from '../errors.js';
import { fetchJson, OutboundError } from '../outbound/outbound-fetch.js';
import { providerTools } from '../providers/resolve-provider.js';
import type { IdTokenRequest, TrustedIssuer } from './id-token-issuer.js';

/** Asymmetric ones only: with a symmetric one the client's secret would be the key. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** Seconds that clocks may differ. */
const leeway = 30;

/** Milliseconds. Key sets count for so long, and an unknown key makes us ask again at most so often. */
const lifetime = 10 * 60 * 1000;
const pause = 30 * 1000;

interface KnownKeys {
  readonly at: number;
  readonly keys: JSONWebKeySet;
}

const keySets = new WeakMap<AuthContext, Map<string, KnownKeys>>();

/**
 * The claims of an id token that its issuer signed for one of the audiences, that is not expired, whose nonce is the hash of the given one, and
 * whose at_hash fits the access token where there is one (OpenID Connect Core, 3.1.3.7). Rejects with OAuthError, in GoTrue's words.
 */
export async function verifyIdToken(
  context: AuthContext,
  trusted: TrustedIssuer,
  request: IdTokenRequest,
): Promise<JWTPayload> {
  const claims = await verifySignature(context, trusted, request.idToken);
  if (claims.sub === undefined || claims.sub === '') throw invalid('Missing sub claim in id_token');
  const audiences = [claims.aud ?? []].flat();
  if (!trusted.audiences.some((audience) => audience !== '' && audiences.includes(audience))) {
    throw invalid(`Unacceptable audience in id_token: [${audiences.join(' ')}]`);
  }
  if (!trusted.skipNonceCheck) checkNonce(claims.nonce, request.nonce);
  checkAccessToken(claims.at_hash, request);
  return claims;
}

const invalid = (description: string) => new OAuthError('invalid request', description);

function checkNonce(claimed: unknown, given: string): void {
  const has = typeof claimed === 'string' && claimed !== '';
  if (has !== (given !== '')) {
    throw invalid('Passed nonce and nonce in id_token should either both exist or not.');
  }
  if (has && createHash('sha256').update(given).digest('hex') !== claimed) {
    throw new OAuthError('invalid nonce', 'Nonces mismatch');
  }
}

/** The left half of the access token's hash, by the hash of the token's own algorithm (OpenID Connect Core, 3.1.3.6). */
function checkAccessToken(claimed: unknown, { accessToken, idToken }: IdTokenRequest): void {
  if (accessToken === '' || typeof claimed !== 'string' || claimed === '') return;
  const { alg = '' } = decodeProtectedHeader(idToken);
  const hash = createHash(alg === 'EdDSA' ? 'sha512' : `sha${alg.slice(-3)}`)
    .update(accessToken)
    .digest();
  if (hash.subarray(0, hash.length / 2).toString('base64url') !== claimed) throw invalid('Bad ID token');
}

async function verifySignature(context: AuthContext, trusted: TrustedIssuer, token: string): Promise<JWTPayload> {
  try {
    const known = await keysOf(context, trusted, lifetime);
    try {
      return await check(context, trusted, token, known.keys);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return await check(context, trusted, token, (await keysOf(context, trusted, pause)).keys);
    }
  } catch (error) {
    if (!(error instanceof errors.JOSEError) && !(error instanceof OutboundError)) throw error;
    context.log.info(`an id token for ${trusted.provider} was refused: ${error.message}`);
    throw invalid('Bad ID token');
  }
}

async function check(
  context: AuthContext,
  { issuer }: TrustedIssuer,
  token: string,
  keys: JSONWebKeySet,
): Promise<JWTPayload> {
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
    issuer: [issuer, issuer.endsWith('/') ? issuer.slice(0, -1) : `${issuer}/`],
    algorithms,
    clockTolerance: leeway,
    currentDate: context.now(),
    requiredClaims: ['iss', 'aud', 'exp'],
  });
  return payload;
}

async function keysOf(
  context: AuthContext,
  { issuer, discoveryUrl, fetch }: TrustedIssuer,
  oldest: number,
): Promise<KnownKeys> {
  const sets = keySets.get(context) ?? new Map<string, KnownKeys>();
  keySets.set(context, sets);
  const key = `${issuer}\n${discoveryUrl ?? ''}`;
  const known = sets.get(key);
  if (known !== undefined && Date.now() - known.at < oldest) return known;
  const metadata = await providerTools(context).cache.metadata(issuer, discoveryUrl, fetch, context.signal);
  if (metadata.jwks_uri === undefined) throw new OutboundError('the provider names no keys');
  const keys = (await fetchJson(fetch, metadata.jwks_uri, { signal: context.signal })) as JSONWebKeySet;
  const fetched = { at: Date.now(), keys };
  sets.set(key, fetched);
  const [first] = sets.keys();
  if (sets.size > 200 && first !== undefined) sets.delete(first);
  return fetched;
}

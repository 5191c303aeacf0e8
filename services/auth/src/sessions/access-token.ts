import { createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { algorithmOf, type Key, type KeyMaterial, type SigningJwk } from '@holdfast/keys';
import type { AuthSettings } from '../settings/schema.js';
import type { AmrClaim } from '../store/amr-claims.js';
import type { Aal, Session } from '../store/sessions.js';
import type { FullUser } from '../store/users.js';
import { isSecondFactor } from './authentication-method.js';

export interface AmrEntry {
  readonly method: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly provider?: string;
}

export type AccessTokenClaims = Readonly<Record<string, unknown>> & {
  readonly sub: string;
  readonly iat: number;
  readonly exp: number;
};

/** The claim amr, newest first, and the level that it makes: a second factor among them is aal2. */
export function summarizeAmr(
  claims: readonly AmrClaim[],
  user: FullUser,
): { readonly aal: Aal; readonly amr: readonly AmrEntry[] } {
  const amr = claims
    .map(({ authentication_method: method, updated_at: at }): AmrEntry => {
      const timestamp = Math.floor(Date.parse(at ?? '') / 1000);
      if (method !== 'sso/saml') return { method, timestamp };
      const provider = user.identities.find((identity) => identity.provider.startsWith('sso:'))?.provider.slice(4);
      return provider === undefined ? { method, timestamp } : { method, timestamp, provider };
    })
    .sort((a, b) => b.timestamp - a.timestamp);
  return { aal: amr.some(({ method }) => isSecondFactor(method)) ? 'aal2' : 'aal1', amr };
}

export interface ClaimsInput {
  readonly user: FullUser;
  readonly session: Pick<Session, 'id' | 'oauth_client_id' | 'scopes'>;
  readonly amrClaims: readonly AmrClaim[];
  readonly now: Date;
}

/** The claims of an access token, in GoTrue's order (supabase/auth, internal/tokens/service.go). */
export function accessTokenClaims(
  { user, session, amrClaims, now }: ClaimsInput,
  settings: AuthSettings,
): AccessTokenClaims {
  const { aal, amr } = summarizeAmr(amrClaims, user);
  const iat = Math.floor(now.getTime() / 1000);
  return {
    iss: settings.jwt.issuer ?? settings.externalUrl,
    sub: user.id,
    aud: user.aud,
    exp: iat + settings.jwt.expirySeconds,
    iat,
    email: user.email ?? '',
    phone: user.phone ?? '',
    app_metadata: user.raw_app_meta_data,
    user_metadata: user.raw_user_meta_data,
    role: user.role,
    aal,
    amr,
    session_id: session.id,
    is_anonymous: user.is_anonymous,
    ...(session.oauth_client_id === null ? {} : { client_id: session.oauth_client_id }),
    ...(session.scopes === null || session.scopes === '' ? {} : { scope: session.scopes }),
  };
}

/** Importing a key takes longer than signing with it. */
const imported = new WeakMap<Key<SigningJwk>, KeyObject>();

function privateKey(key: Key<SigningJwk>): KeyObject {
  const known = imported.get(key);
  if (known !== undefined) return known;
  const made = createPrivateKey({ key: { ...key.value }, format: 'jwk' });
  imported.set(key, made);
  return made;
}

const encodePart = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JWT of any claims (RFC 7515, compact form) by the secret in use (HS256), or by the signing key, which is for ES256 or RS256. */
export function signToken(
  claims: Readonly<Record<string, unknown>>,
  material: KeyMaterial,
  algorithm: 'ES256' | 'HS256',
): string {
  if (algorithm === 'HS256') {
    const body = `${encodePart({ alg: 'HS256', typ: 'JWT' })}.${encodePart(claims)}`;
    return `${body}.${createHmac('sha256', material['jwt-secret'].current.value).update(body).digest('base64url')}`;
  }
  const key = material.signing.current;
  const body = `${encodePart({ alg: algorithmOf(key.value), kid: key.id, typ: 'JWT' })}.${encodePart(claims)}`;
  // RSA does not look at dsaEncoding, and its default padding is RS256's.
  const signature = sign('sha256', Buffer.from(body), { key: privateKey(key), dsaEncoding: 'ieee-p1363' });
  return `${body}.${signature.toString('base64url')}`;
}

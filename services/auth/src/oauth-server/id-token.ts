import type { AuthContext } from '../context.js';
import { signToken } from '../sessions/access-token.js';
import type { FullUser } from '../store/users.js';
import { parseScopes } from './scopes.js';

type Json = Readonly<Record<string, unknown>>;

export function issuerOf({ settings }: AuthContext): string {
  return settings.jwt.issuer ?? settings.externalUrl;
}

/** What the scopes let an application know of a user (OpenID Connect Core, 5.4). */
export function scopedClaims(user: FullUser, scope: string): Json {
  const scopes = parseScopes(scope);
  const has = (name: string) => scopes.includes(name);
  return {
    ...(has('email') ? emailClaims(user) : {}),
    ...(has('profile') ? profileClaims(user) : {}),
    ...(has('phone') ? phoneClaims(user) : {}),
  };
}

function emailClaims({ email, email_confirmed_at: confirmed }: FullUser): Json {
  return email === null || email === '' ? {} : { email, email_verified: confirmed !== null };
}

function phoneClaims({ phone, phone_confirmed_at: confirmed }: FullUser): Json {
  return phone === null || phone === '' ? {} : { phone_number: phone, phone_number_verified: confirmed !== null };
}

function profileClaims(user: FullUser): Json {
  const metadata = user.raw_user_meta_data;
  const first = (...names: string[]) =>
    names.map((name) => metadata[name]).find((value) => typeof value === 'string' && value !== '');
  const claims = {
    name: first('name', 'full_name') ?? user.email ?? undefined,
    picture: first('picture', 'avatar_url'),
    preferred_username: first('preferred_username', 'username', 'user_name'),
    updated_at: user.updated_at === null ? undefined : Math.floor(Date.parse(user.updated_at) / 1000),
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

/** GET /oauth/userinfo: of the session's scopes, which only sessions of applications have (OpenID Connect Core, 5.3). */
export function userInfo(user: FullUser, scope: string | null): Json {
  if (scope === null) return { sub: user.id };
  const { phone_number: phone, phone_number_verified: phoneVerified, ...claims } = scopedClaims(user, scope);
  return {
    sub: user.id,
    ...claims,
    ...(phone === undefined ? {} : { phone, phone_verified: phoneVerified, phone_number: phone }),
    ...(parseScopes(scope).includes('profile') ? { user_metadata: user.raw_user_meta_data } : {}),
  };
}

export interface IdTokenInput {
  readonly user: FullUser;
  readonly clientId: string;
  readonly scope: string;
  readonly nonce: string | null;
}

/** An id token (OpenID Connect Core, 2), always by the key that applications can check with. */
export function idToken(context: AuthContext, { user, clientId, scope, nonce }: IdTokenInput): string {
  const iat = Math.floor(context.now().getTime() / 1000);
  const signedInAt = user.last_sign_in_at;
  const claims = {
    iss: issuerOf(context),
    sub: user.id,
    aud: clientId,
    exp: iat + context.settings.jwt.expirySeconds,
    iat,
    ...(signedInAt === null ? {} : { auth_time: Math.floor(Date.parse(signedInAt) / 1000) }),
    ...(nonce === null ? {} : { nonce }),
    client_id: clientId,
    ...scopedClaims(user, scope),
  };
  return signToken(claims, context.keys(), 'ES256');
}

import { anonymousDisabled, claimsRejected, noJwtSecret } from '../errors/token-errors.js';
import { BoundedCache } from '../request/bounded-cache.js';
import type { RestSettings } from '../settings.js';
import { parseClaimPath, walkClaims } from './claim-path.js';
import { type DecodedToken, decodeToken } from './decode-token.js';
import { judgeClaims } from './judge-claims.js';
import { readVerificationKeys } from './verification-keys.js';

export interface Identity {
  /** The database role. */
  readonly role: string;
  /** JSON, for request.jwt.claims; it has the role in any case. */
  readonly claims: string;
  /** False for the anonymous role, whether a token named it or not. */
  readonly authenticated: boolean;
}

export interface Authenticator {
  /** Who asks, by an Authorization header. Other schemes than Bearer count as none. Rejects with PGRST300 to 303. */
  authenticate(authorization: string | undefined, now?: Date): Promise<Identity>;
}

type AuthSettings = Pick<
  RestSettings,
  'anonymousRole' | 'jwtSecret' | 'jwtSecretIsBase64' | 'jwtAudience' | 'jwtRoleClaimKey' | 'jwtCacheEntries'
>;

/** A signature is checked once while the token is remembered; its times are judged each time. */
export function createAuthenticator(settings: AuthSettings): Authenticator {
  const { anonymousRole, jwtSecret, jwtAudience } = settings;
  const path = parseClaimPath(settings.jwtRoleClaimKey) ?? [];
  const keys = jwtSecret === null ? undefined : readVerificationKeys(jwtSecret, settings.jwtSecretIsBase64);
  // By the header as clients usually write it, which is looked up as it comes: nothing is cut out of it for a token that is known.
  const decoded = new BoundedCache<DecodedToken>(settings.jwtCacheEntries);
  const anonymous: Identity | undefined =
    anonymousRole === null
      ? undefined
      : { role: anonymousRole, claims: JSON.stringify({ role: anonymousRole }), authenticated: false };

  return {
    async authenticate(authorization, now = new Date()) {
      let known = authorization === undefined ? undefined : decoded.get(authorization);
      if (known === undefined) {
        const token = bearerToken(authorization);
        if (token === undefined) {
          if (anonymous === undefined) throw anonymousDisabled();
          return anonymous;
        }
        if (keys === undefined) throw noJwtSecret();
        const usual = `Bearer ${token}`;
        known = decoded.get(usual) ?? (await decodeToken(token, await keys));
        decoded.set(usual, known);
      }
      const fault = judgeClaims(known.claims, jwtAudience, now);
      if (fault !== undefined) throw claimsRejected(fault);
      return identify(known, path.length === 0 ? undefined : walkClaims(known.claims, path), anonymousRole);
    },
  };
}

function bearerToken(authorization: string | undefined): string | undefined {
  const match = /^bearer(?:\s+(.*))?$/is.exec(authorization ?? '');
  return match === null ? undefined : (match[1]?.trim() ?? '');
}

function identify({ claims, text }: DecodedToken, claimed: unknown, anonymousRole: string | null): Identity {
  const role = claimed === undefined ? anonymousRole : typeof claimed === 'string' ? claimed : JSON.stringify(claimed);
  if (role === null) throw anonymousDisabled();
  return {
    role,
    // As it was signed wherever possible, since numbers of more than 53 bits would not survive.
    claims: claims.role === role ? text : JSON.stringify({ ...claims, role }),
    authenticated: role !== anonymousRole,
  };
}

import { algorithmOf } from '@holdfast/keys';
import type { AuthContext } from '../context.js';
import { issuerOf } from './id-token.js';
import { supportedScopes } from './scopes.js';

/** OpenID Connect Discovery 1.0, 3, and RFC 8414, 2: one document says both. */
export function serverMetadata(context: AuthContext): Readonly<Record<string, unknown>> {
  const issuer = issuerOf(context);
  const { enabled, dynamicRegistration } = context.settings.oauthServer;
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    userinfo_endpoint: `${issuer}/oauth/userinfo`,
    ...(enabled && dynamicRegistration ? { registration_endpoint: `${issuer}/oauth/clients/register` } : {}),
    scopes_supported: supportedScopes,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [algorithmOf(context.keys().signing.current.value)],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    claims_supported: [
      'sub',
      'aud',
      'iss',
      'exp',
      'iat',
      'auth_time',
      'nonce',
      'email',
      'email_verified',
      'phone_number',
      'phone_number_verified',
      'name',
      'picture',
      'preferred_username',
      'updated_at',
    ],
    code_challenge_methods_supported: ['S256', 'plain'],
  };
}

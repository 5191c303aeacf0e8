/** How somebody proved who they are: `method` in the claim amr (supabase/auth, internal/models/factor.go). */
export type AuthenticationMethod =
  | 'password'
  | 'otp'
  | 'oauth'
  | 'totp'
  | 'mfa/phone'
  | 'mfa/webauthn'
  | 'sso/saml'
  | 'recovery'
  | 'invite'
  | 'magiclink'
  | 'email/signup'
  | 'email_change'
  | 'anonymous'
  | 'web3'
  | 'passkey'
  | 'oauth_provider/authorization_code';

/** Of the hook for access tokens also this. */
export type TokenReason = AuthenticationMethod | 'token_refresh';

const secondFactors: ReadonlySet<string> = new Set(['totp', 'mfa/phone', 'mfa/webauthn', 'recovery_code']);

export function isSecondFactor(method: string): boolean {
  return secondFactors.has(method);
}

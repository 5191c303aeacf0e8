import type { ErrorCode } from '../errors.js';
import type { AuthenticationMethod } from '../sessions/authentication-method.js';
import type { AuthSettings } from '../settings/schema.js';
import type { FactorType } from '../store/mfa-factors.js';

export type UsableFactor = Exclude<FactorType, 'recovery_code'>;

/** What a proof by a factor of this kind is called in the claim amr. */
export const factorMethods: Readonly<Record<UsableFactor, AuthenticationMethod>> = {
  totp: 'totp',
  phone: 'mfa/phone',
  webauthn: 'mfa/webauthn',
};

const words: Readonly<Record<UsableFactor, string>> = { totp: 'TOTP', phone: 'Phone', webauthn: 'WebAuthn' };

export function isUsableFactor(type: string): type is UsableFactor {
  return type in factorMethods;
}

export interface Disabled {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Why factors of this kind cannot be begun; undefined: they can. */
export function enrollDisabled(type: UsableFactor, settings: AuthSettings['mfa']): Disabled | undefined {
  if (settings[type].enroll) return undefined;
  return { code: `mfa_${type}_enroll_not_enabled`, message: `MFA enroll is disabled for ${words[type]}` };
}

/** Why factors of this kind cannot be proved; undefined: they can. */
export function verifyDisabled(type: UsableFactor, settings: AuthSettings['mfa']): Disabled | undefined {
  if (settings[type].verify) return undefined;
  return { code: `mfa_${type}_verify_not_enabled`, message: `MFA verification is disabled for ${words[type]}` };
}

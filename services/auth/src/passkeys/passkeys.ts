import type { AuthContext } from '../context.js';
import { forbidden, notFound, unprocessable } from '../errors.js';
import type { Caller } from '../http/authenticate.js';
import type { PasskeyRow } from '../store/webauthn-credentials.js';

/** 404 where passkeys are off: as if there were no such endpoint. */
export function requirePasskeys({ settings }: AuthContext): void {
  if (!settings.passkeys.enabled) throw notFound('passkey_disabled', 'Passkeys are disabled');
}

/** Whoever has a verified second factor needs it to add or remove passkeys, which sign in alone. 403 insufficient_aal. */
export function requirePasskeyAal({ user, session }: Caller): void {
  const guarded = user.factors.some(({ status }) => status === 'verified');
  if (guarded && session?.aal !== 'aal2') {
    throw forbidden('insufficient_aal', 'AAL2 session is required to manage passkeys when MFA is enabled');
  }
}

/** SSO users sign in at their own provider, and nowhere else. */
export function requireNoSsoUser({ user }: Caller): void {
  if (user.is_sso_user) throw unprocessable('validation_failed', 'SSO users cannot register passkeys');
}

/** A passkey as its owner sees it. */
export function renderPasskey(passkey: PasskeyRow): Readonly<Record<string, unknown>> {
  return {
    id: passkey.id,
    ...(passkey.friendly_name === '' ? {} : { friendly_name: passkey.friendly_name }),
    created_at: passkey.created_at,
    ...(passkey.last_used_at === null ? {} : { last_used_at: passkey.last_used_at }),
  };
}

/** Names of a few authenticators by their AAGUID (passkeydeveloper/passkey-authenticator-aaguids). */
const authenticators: ReadonlyMap<string, string> = new Map([
  ['ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4', 'Google Password Manager'],
  ['adce0002-35bc-c60a-648b-0b25f1f05503', 'Chrome on Mac'],
  ['08987058-cadc-4b81-b6e1-30de50dcbe96', 'Windows Hello'],
  ['9ddd1817-af5a-4672-a2b9-3e3dd95000a9', 'Windows Hello'],
  ['6028b017-b1d4-4c02-b4b3-afcdafc96bb2', 'Windows Hello'],
  ['fbfc3007-154e-4ecc-8c0b-6e020557d7bd', 'iCloud Keychain'],
  ['dd4ec289-e01d-41c9-bb89-70fa845d4bf2', 'iCloud Keychain (Managed)'],
  ['bada5566-a7aa-401f-bd96-45619a55120d', '1Password'],
  ['d548826e-79b4-db40-a3d8-11116f7e8349', 'Bitwarden'],
  ['531126d6-e717-415c-9320-3d9aa6981239', 'Dashlane'],
  ['53414d53-554e-4700-0000-000000000000', 'Samsung Pass'],
]);

/** What a new passkey is called until its owner names it. */
export function passkeyName(aaguid: string): string {
  return authenticators.get(aaguid) ?? 'Passkey';
}

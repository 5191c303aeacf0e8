import type { AuthContext } from '../context.js';
import { validationFailed } from '../errors.js';
import type { Challenge } from '../store/mfa-challenges.js';
import type { Factor } from '../store/mfa-factors.js';
import { CeremonyError, finishAuthentication, finishRegistration, namedCredential } from '../webauthn/ceremony.js';
import { decodeCredential, encodeCredential, withSignCount } from '../webauthn/stored-credential.js';
import type { VerifyRequest } from './verify-factor.js';

/** Columns of the factor that a proof changes. */
export type CredentialProof = Readonly<Record<string, unknown>>;

/** What the answer of an authenticator proves for this factor; undefined: nothing. 400 where it is no such answer. */
export async function proveCredential(
  context: AuthContext,
  factor: Factor,
  challenge: Challenge,
  answer: VerifyRequest['webauthn'],
): Promise<CredentialProof | undefined> {
  if (answer === undefined) throw validationFailed('WebAuthn config required');
  const { type, credential_response: response } = answer;
  if (type !== 'create' && type !== 'request') throw validationFailed('WebAuthn type must be create or request');
  if (typeof response !== 'object' || response === null) throw validationFailed('credential_response required');
  const named = namedCredential(response);
  if (named === undefined) throw validationFailed('Invalid credential_response');
  const session = challenge.web_authn_session_data ?? {};
  const common = {
    last_webauthn_challenge_data: { challenge: { id: challenge.id }, type, credential_response: response },
  };
  try {
    if (type === 'create') {
      // A proved factor has its credential; another must not take its place.
      if (factor.status === 'verified') return undefined;
      const credential = await finishRegistration(context.settings.passkeys, session, response);
      return { ...common, web_authn_credential: encodeCredential(credential), web_authn_aaguid: credential.aaguid };
    }
    const stored = factor.web_authn_credential;
    const known = decodeCredential(stored);
    if (stored === null || known === undefined || Buffer.compare(known.id, named.id) !== 0) return undefined;
    const { signCount } = await finishAuthentication(context.settings.passkeys, session, response, known);
    return { ...common, web_authn_credential: withSignCount(stored, signCount) };
  } catch (error) {
    if (!(error instanceof CeremonyError)) throw error;
    context.log.info({ err: error.cause }, 'a second factor was not proved');
    return undefined;
  }
}

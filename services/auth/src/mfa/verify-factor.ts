import { createHash, timingSafeEqual } from 'node:crypto';
import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { forbidden, internalError, unprocessable, validationFailed } from '../errors.js';
import type { Caller } from '../http/authenticate.js';
import type { ClientAddress } from '../http/client-address.js';
import { isUuid } from '../http/parse-body.js';
import { notify } from '../mail/notify.js';
import { elevateSession } from '../sessions/elevate-session.js';
import type { StartedSession } from '../sessions/start-session.js';
import { type TokenResponse, tokenResponse } from '../sessions/token-response.js';
import {
  type Challenge,
  deleteChallenge,
  findChallengeForUpdate,
  markChallengeVerified,
} from '../store/mfa-challenges.js';
import {
  deleteUnverifiedFactors,
  deleteWeakSessions,
  type Factor,
  findFactor,
  updateFactor,
} from '../store/mfa-factors.js';
import { ask, askOne } from '../store/query.js';
import { deleteSessionsOfUser, findSessionById } from '../store/sessions.js';
import { findUserById } from '../store/users.js';
import { challengeAddress } from './challenge-factor.js';
import { factorMethods, isUsableFactor, verifyDisabled } from './factor-methods.js';
import { type CredentialProof, proveCredential } from './prove-credential.js';
import { checkTotp } from './totp.js';

export interface VerifyRequest {
  readonly challengeId: string;
  readonly code: string;
  readonly webauthn: { readonly type: string; readonly credential_response?: unknown } | undefined;
}

/** POST /factors/:id/verify: an answer to a challenge. The session goes on at aal2 with new tokens. Throws ApiError. */
export async function verifyFactor(
  context: AuthContext,
  caller: Caller,
  client: ClientAddress,
  factor: Factor,
  request: VerifyRequest,
): Promise<TokenResponse> {
  const { factor_type: type } = factor;
  if (!isUsableFactor(type)) throw validationFailed('factor_type needs to be totp, phone, or webauthn');
  if (request.code === '' && type !== 'webauthn') throw validationFailed('Code needs to be non-empty');
  const disabled = verifyDisabled(type, context.settings.mfa);
  if (disabled !== undefined) throw unprocessable(disabled.code, disabled.message);
  const challenge = await openChallenge(context, client, factor, request.challengeId);
  const proof = await judgeAnswer(context, factor, challenge, request);
  await askHook(context, caller, factor, proof.valid);
  if (!proof.valid) throw unprocessable('mfa_verification_failed', proof.message);
  const started = await settle(context, caller, client, factor, challenge, proof.credential);
  if (factor.status !== 'verified') await notify(context, 'factorEnrolled', caller.user, { factorType: type });
  return await tokenResponse(context, started, factorMethods[type]);
}

/** Of this factor, not answered, not expired, asked for by the same address. One that is expired goes. */
async function openChallenge(
  context: AuthContext,
  client: ClientAddress,
  factor: Factor,
  id: string,
): Promise<Challenge> {
  const [challenge] = isUuid(id)
    ? await context.write(findChallengeForUpdate(id, factor.id, challengeAddress(client)))
    : [undefined];
  if (challenge === undefined) {
    throw unprocessable('mfa_factor_not_found', 'MFA factor with the provided challenge ID not found');
  }
  if (challenge.verified_at !== null || !challenge.sameAddress) {
    throw unprocessable('mfa_ip_address_mismatch', 'Challenge and verify IP addresses mismatch.');
  }
  const age = context.now().getTime() - Date.parse(challenge.created_at ?? '');
  if (age > context.settings.mfa.challengeExpirySeconds * 1000) {
    await context.write(deleteChallenge(challenge.id));
    const message = `MFA challenge ${challenge.id} has expired, verify against another challenge or create a new challenge.`;
    throw unprocessable('mfa_challenge_expired', message);
  }
  return challenge;
}

type Verdict =
  | { readonly valid: true; readonly credential?: CredentialProof }
  | { readonly valid: false; readonly message: string };

async function judgeAnswer(
  context: AuthContext,
  factor: Factor,
  challenge: Challenge,
  { code, webauthn }: VerifyRequest,
): Promise<Verdict> {
  switch (factor.factor_type) {
    case 'totp':
      if (factor.secret !== null && checkTotp(factor.secret, code, context.now())) return { valid: true };
      return { valid: false, message: 'Invalid TOTP code entered' };
    case 'phone':
      if (challenge.otp_code !== null && sameText(challenge.otp_code, code)) return { valid: true };
      return { valid: false, message: 'Invalid MFA Phone code entered' };
    default: {
      const credential = await proveCredential(context, factor, challenge, webauthn);
      if (credential === undefined) return { valid: false, message: 'Invalid WebAuthn credential response' };
      return { valid: true, credential };
    }
  }
}

function sameText(a: string, b: string): boolean {
  const [first, second] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return first !== undefined && second !== undefined && timingSafeEqual(first, second);
}

/** Other code may refuse an attempt, right or wrong; then the user is signed out everywhere. */
async function askHook(context: AuthContext, { user }: Caller, factor: Factor, valid: boolean): Promise<void> {
  if (context.hooks.target('mfaVerificationAttempt') === undefined) return;
  const answer = await context.hooks.run('mfaVerificationAttempt', {
    user_id: user.id,
    factor_id: factor.id,
    factor_type: factor.factor_type,
    valid,
  });
  if (answer.decision !== 'reject') return;
  await context.write(deleteSessionsOfUser(user.id));
  const { message } = answer;
  throw forbidden(
    'mfa_verification_rejected',
    typeof message === 'string' && message !== '' ? message : 'Further MFA verification attempts will be rejected.',
  );
}

async function settle(
  context: AuthContext,
  caller: Caller,
  client: ClientAddress,
  factor: Factor,
  challenge: Challenge,
  credential: CredentialProof | undefined,
): Promise<StartedSession> {
  const { factor_type: type } = factor;
  const sessionId = caller.session?.id;
  if (sessionId === undefined || !isUsableFactor(type)) throw internalError('A valid session and factor are required');
  return await context.transaction(async (run) => {
    const now = context.now();
    const [open, current, session] = await ask(
      run,
      findChallengeForUpdate(challenge.id, factor.id, challengeAddress(client)),
      findFactor(factor.id, caller.user.id),
      findSessionById(sessionId, { forUpdate: true }),
    );
    // Somebody else may have been faster with the same answer.
    if (open === undefined || open.verified_at !== null || current === undefined) {
      throw unprocessable('mfa_ip_address_mismatch', 'Challenge and verify IP addresses mismatch.');
    }
    if (session === undefined)
      throw forbidden('session_not_found', 'Session from session_id claim in JWT does not exist');
    await ask(
      run,
      credential === undefined ? markChallengeVerified(challenge.id, now) : deleteChallenge(challenge.id),
      updateFactor(factor.id, { status: 'verified', ...credential }, now),
      deleteUnverifiedFactors(caller.user.id, type),
      ...recordAudit(context, client, caller.user, 'verification_attempted', {
        factor_id: factor.id,
        challenge_id: challenge.id,
        factor_type: type,
      }),
    );
    const user = await askOne(run, findUserById(caller.user.id));
    if (user === undefined) throw forbidden('user_not_found', 'User from sub claim in JWT does not exist');
    const started = await elevateSession(run, context, {
      user,
      session,
      method: factorMethods[type],
      factorId: factor.id,
    });
    await ask(run, deleteWeakSessions(user.id));
    return started;
  });
}

import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { recordAudit } from '../audit.js';
import type { AuthContext } from '../context.js';
import { ApiError, badRequest, unprocessable, validationFailed } from '../errors.js';
import { clientAddress } from '../http/client-address.js';
import { optionalString, parseBody } from '../http/parse-body.js';
import { checkPasswordStrength } from '../passwords/check-strength.js';
import { pretendToVerify, verifyPassword } from '../passwords/hash-password.js';
import { planSession } from '../sessions/start-session.js';
import { type TokenResponse, tokenResponse } from '../sessions/token-response.js';
import { prepared } from '../store/query.js';
import { deleteSessionsOfUser } from '../store/sessions.js';
import { type FullUser, findUserByEmail, findUserByPhone } from '../store/users.js';
import { isBanned } from '../users/render-user.js';
import { formatPhone } from '../users/validate-contact.js';

const schema = z.object({ email: optionalString, phone: optionalString, password: optionalString });

type Body = z.output<typeof schema>;

const invalidCredentials = () => badRequest('invalid_credentials', 'Invalid login credentials');

/** grant_type=password. 400 invalid_credentials for an unknown user as for a wrong password, and as slowly. */
export async function passwordGrant(request: FastifyRequest, context: AuthContext): Promise<TokenResponse> {
  context.limits.check('signUpsAndSignIns', request);
  const body = parseBody(request, schema);
  const user = await findUser(context, body);
  if (user === undefined) {
    await pretendToVerify(body.password, context.settings.password.bcryptCost);
    throw invalidCredentials();
  }
  const valid = await verifyPassword(body.password, user.encrypted_password);
  // Whoever does not know the password must not learn that the user is banned.
  if (valid && isBanned(user, context.now())) throw badRequest('user_banned', 'User is banned');
  await askHook(context, user, valid);
  if (!valid) throw invalidCredentials();
  requireConfirmed(user, body, context);
  const client = clientAddress(request);
  const { started, queries } = planSession(context, { user, method: 'password', client });
  const provider = body.email === '' ? 'phone' : 'email';
  await context.write(...recordAudit(context, client, user, 'login', { provider }), ...queries);
  return await tokenResponse(context, started, 'password', await weakness(context, body.password));
}

async function findUser(context: AuthContext, { email, phone }: Body): Promise<FullUser | undefined> {
  const { signup, jwt } = context.settings;
  if (email !== '' && phone !== '') {
    throw validationFailed('Only an email address or phone number should be provided on login.');
  }
  if (email !== '') {
    if (!signup.email) throw unprocessable('email_provider_disabled', 'Email logins are disabled');
    const [user] = await context.read(prepared('auth_user_by_email', findUserByEmail(email, jwt.audience)));
    return user;
  }
  if (phone === '') throw validationFailed('missing email or phone');
  if (!signup.phone) throw unprocessable('phone_provider_disabled', 'Phone logins are disabled');
  const [user] = await context.read(findUserByPhone(formatPhone(phone), jwt.audience));
  return user;
}

async function askHook(context: AuthContext, user: FullUser, valid: boolean): Promise<void> {
  if (context.hooks.target('passwordVerificationAttempt') === undefined) return;
  const answer = await context.hooks.run('passwordVerificationAttempt', { user_id: user.id, valid });
  if (answer.decision !== 'reject') return;
  if (answer.should_logout_user === true) await context.write(deleteSessionsOfUser(user.id));
  const message = answer.message;
  throw badRequest(
    'invalid_credentials',
    typeof message === 'string' && message !== ''
      ? message
      : 'Further password verification attempts will be rejected.',
  );
}

function requireConfirmed(user: FullUser, { email }: Body, { settings }: AuthContext): void {
  if (email === '') {
    if (user.phone_confirmed_at === null) throw badRequest('phone_not_confirmed', 'Phone not confirmed');
  } else if (user.email_confirmed_at === null && !settings.email.allowUnverifiedSignIns) {
    throw badRequest('email_not_confirmed', 'Email not confirmed');
  }
}

/** A password that is weak by today's rules lets its owner in, who is told. */
async function weakness(context: AuthContext, password: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    await checkPasswordStrength(context, password);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.weakPasswordReasons === undefined) return {};
    return { weak_password: { message: error.message, reasons: error.weakPasswordReasons } };
  }
  return {};
}

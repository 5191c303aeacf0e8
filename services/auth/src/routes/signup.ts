import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { unprocessable, validationFailed } from '../errors.js';
import { checkCaptcha } from '../http/check-captcha.js';
import { clientAddress } from '../http/client-address.js';
import { optionalObject, optionalString, parseBody, pkceFields } from '../http/parse-body.js';
import { checkPasswordStrength } from '../passwords/check-strength.js';
import { startSession } from '../sessions/start-session.js';
import { tokenResponse } from '../sessions/token-response.js';
import { disguiseUser } from '../sign-up/disguise-user.js';
import { type SignUp, signUp } from '../sign-up/sign-up.js';
import { ask } from '../store/query.js';
import { readChallenge } from '../tokens/pkce.js';
import { createUser, type NewUser } from '../users/create-user.js';
import { renderUser } from '../users/render-user.js';
import { afterUserCreated, beforeUserCreated } from '../users/user-hooks.js';
import { validateChannel, validateEmail, validatePhone } from '../users/validate-contact.js';

const schema = z.object({
  email: optionalString,
  phone: optionalString,
  password: optionalString,
  data: optionalObject,
  channel: optionalString,
  ...pkceFields,
});

type Body = z.output<typeof schema>;

/** POST /signup: by email, by phone, or anonymously where neither is given. */
export const signupRoutes: RegisterRoutes = (app, context) => {
  app.post('/signup', async (request) => {
    await checkCaptcha(request, context);
    const body = parseBody(request, schema);
    if (body.email === '' && body.phone === '') return await signUpAnonymously(context, request, body);
    context.limits.check('signUpsAndSignIns', request);
    const input = await readSignUp(context, body);
    const outcome = await signUp(context, request, input);
    switch (outcome.kind) {
      case 'signed-in':
        return await tokenResponse(context, outcome.started, 'password');
      case 'unconfirmed': {
        const { user } = outcome;
        return renderUser(user.invited_at === null ? user : { ...user, raw_user_meta_data: {}, identities: [] });
      }
      case 'repeated':
        if (context.settings.email.autoconfirm || context.settings.phone.autoconfirm) {
          throw unprocessable('user_already_exists', 'User already registered');
        }
        return renderUser(disguiseUser(input, context.settings.jwt.audience, context.now()));
    }
  });
};

async function readSignUp(context: AuthContext, body: Body): Promise<SignUp> {
  const { signup, sms } = context.settings;
  if (signup.disabled) throw unprocessable('signup_disabled', 'Signups not allowed for this instance');
  if (body.password === '') throw validationFailed('Signup requires a valid password');
  await checkPasswordStrength(context, body.password);
  if (body.email !== '' && body.phone !== '') {
    throw validationFailed('Only an email address or phone number should be provided on signup.');
  }
  const provider = body.email === '' ? 'phone' : 'email';
  const channel = validateChannel(body.channel, sms.provider.name, context.hooks.target('sendSms') !== undefined);
  if (provider === 'phone' && body.code_challenge !== '')
    throw validationFailed('PKCE not supported for phone signups');
  const challenge = readChallenge(body.code_challenge, body.code_challenge_method);
  if (provider === 'email' && !signup.email)
    throw unprocessable('email_provider_disabled', 'Email signups are disabled');
  if (provider === 'phone' && !signup.phone)
    throw unprocessable('phone_provider_disabled', 'Phone signups are disabled');
  const contact = provider === 'email' ? validateEmail(body.email) : validatePhone(body.phone);
  return { provider, contact, password: body.password, data: body.data ?? {}, channel, challenge };
}

async function signUpAnonymously(context: AuthContext, request: FastifyRequest, { data }: Body) {
  const { signup } = context.settings;
  if (!signup.anonymous) throw unprocessable('anonymous_provider_disabled', 'Anonymous sign-ins are disabled');
  if (signup.disabled) throw unprocessable('signup_disabled', 'Signups not allowed for this instance');
  context.limits.check('anonymousUsers', request);
  const user: NewUser = { provider: '', isAnonymous: true, userMetadata: data ?? {} };
  await beforeUserCreated(context, request, user);
  const client = clientAddress(request);
  const started = await context.transaction(async (run) => {
    const made = await createUser(run, context, user);
    await ask(run, ...recordAudit(context, client, made, 'user_signedup', { provider: 'anonymous' }));
    return await startSession(run, context, { user: made, method: 'anonymous', client });
  });
  await afterUserCreated(context, request, started.user);
  return await tokenResponse(context, started, 'anonymous');
}

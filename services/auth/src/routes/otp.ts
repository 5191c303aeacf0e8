import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { unprocessable, validationFailed } from '../errors.js';
import { checkCaptcha } from '../http/check-captcha.js';
import { clientAddress } from '../http/client-address.js';
import { optionalObject, optionalString, parseBody, pkceFields } from '../http/parse-body.js';
import { prepareMail, sendMails } from '../mail/prepare-mail.js';
import { randomPassword } from '../passwords/hash-password.js';
import { resolveRedirect } from '../redirects/resolve-redirect.js';
import { type SignUp, signUp } from '../sign-up/sign-up.js';
import { prepareSms, sendPrepared } from '../sms/prepare-sms.js';
import { ask, askOne } from '../store/query.js';
import { findUserByEmail, findUserByPhone } from '../store/users.js';
import { beginFlow } from '../tokens/begin-flow.js';
import { readChallenge } from '../tokens/pkce.js';
import { validateChannel, validateEmail, validatePhone } from '../users/validate-contact.js';

const schema = z.object({
  email: optionalString,
  phone: optionalString,
  create_user: z
    .boolean()
    .nullish()
    .transform((value) => value ?? true),
  data: optionalObject,
  channel: optionalString,
  ...pkceFields,
});

type Body = z.output<typeof schema>;

/** POST /otp and /magiclink: a code and a link to sign in with, for known users and, unless it says otherwise, new ones. */
export const otpRoutes: RegisterRoutes = (app, context) => {
  app.post('/otp', async (request) => {
    context.limits.check('otp', request);
    await checkCaptcha(request, context);
    const body = parseBody(request, schema);
    if (body.email !== '' && body.phone !== '') {
      throw validationFailed('Only an email address or phone number should be provided');
    }
    if (body.email !== '' && body.channel !== '') {
      throw validationFailed('Channel should only be specified with Phone OTP');
    }
    if (body.email !== '') return await sendMagicLink(context, request, body);
    if (body.phone !== '') return await sendCode(context, request, body);
    throw validationFailed('One of email or phone must be set');
  });

  app.post('/magiclink', async (request) => {
    context.limits.check('otp', request);
    await checkCaptcha(request, context);
    const body = parseBody(request, schema);
    if (body.email === '') throw validationFailed('Password recovery requires an email');
    return await sendMagicLink(context, request, { ...body, create_user: true });
  });
};

async function sendMagicLink(context: AuthContext, request: FastifyRequest, body: Body) {
  const { settings } = context;
  if (!settings.signup.email) throw unprocessable('email_provider_disabled', 'Email logins are disabled');
  const email = validateEmail(body.email);
  const challenge = readChallenge(body.code_challenge, body.code_challenge_method);
  const find = findUserByEmail(email, settings.jwt.audience);
  const [known] = await context.read(find);
  if (known === undefined && !body.create_user) throw unprocessable('otp_disabled', 'Signups not allowed for otp');
  if (known === undefined || known.email_confirmed_at === null) {
    await enroll(context, request, { provider: 'email', contact: email, body, challenge });
    // The mail that confirms the address signs in as well.
    if (!settings.email.autoconfirm) return {};
  }
  const mails = await context.transaction(async (run) => {
    const user = await askOne(run, find);
    if (user === undefined) return [];
    const redirectTo = resolveRedirect(request, settings);
    const prepared = prepareMail(context, 'magicLink', { user, redirectTo, pkce: challenge !== undefined });
    const flow = { userId: user.id, provider: 'magiclink', authenticationMethod: 'magiclink' };
    const flows = challenge === undefined ? [] : [beginFlow(challenge, flow, context.now())];
    const audit = recordAudit(context, clientAddress(request), user, 'user_recovery_requested');
    await ask(run, ...audit, ...flows, ...prepared.queries);
    return prepared.mails;
  });
  await sendMails(context, mails);
  return {};
}

async function sendCode(context: AuthContext, request: FastifyRequest, body: Body) {
  const { settings } = context;
  if (!settings.signup.phone) throw unprocessable('phone_provider_disabled', 'Unsupported phone provider');
  const phone = validatePhone(body.phone);
  const channel = validateChannel(
    body.channel,
    settings.sms.provider.name,
    context.hooks.target('sendSms') !== undefined,
  );
  const find = findUserByPhone(phone, settings.jwt.audience);
  const [known] = await context.read(find);
  if (known === undefined && !body.create_user) throw unprocessable('otp_disabled', 'Signups not allowed for otp');
  if (known === undefined || known.phone_confirmed_at === null) {
    await enroll(context, request, { provider: 'phone', contact: phone, body, challenge: undefined });
    if (!settings.phone.autoconfirm) return {};
  }
  const prepared = await context.transaction(async (run) => {
    const user = await askOne(run, find);
    if (user === undefined) throw new Error('the user was deleted meanwhile');
    const sms = prepareSms(context, 'confirmation', { user, phone, channel });
    const audit = recordAudit(context, clientAddress(request), user, 'user_recovery_requested', { channel });
    await ask(run, ...audit, ...sms.queries);
    return sms;
  });
  const id = await sendPrepared(context, prepared);
  return id === '' ? {} : { message_id: id };
}

interface Enrolling extends Pick<SignUp, 'provider' | 'contact' | 'challenge'> {
  readonly body: Body;
}

/** New users get a password that nobody knows. */
async function enroll(context: AuthContext, request: FastifyRequest, { body, ...who }: Enrolling): Promise<void> {
  if (context.settings.signup.disabled) throw unprocessable('signup_disabled', 'Signups not allowed for this instance');
  const channel = validateChannel(
    body.channel,
    context.settings.sms.provider.name,
    context.hooks.target('sendSms') !== undefined,
  );
  await signUp(context, request, { ...who, password: randomPassword(), data: body.data ?? {}, channel });
}

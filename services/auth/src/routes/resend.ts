import { z } from 'zod';
import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { unprocessable, validationFailed } from '../errors.js';
import { checkCaptcha } from '../http/check-captcha.js';
import { clientAddress } from '../http/client-address.js';
import { optionalString, parseBody } from '../http/parse-body.js';
import { prepareEmailChange, prepareMail, sendMails } from '../mail/prepare-mail.js';
import { resolveRedirect } from '../redirects/resolve-redirect.js';
import { prepareSms, sendPrepared } from '../sms/prepare-sms.js';
import { ask } from '../store/query.js';
import { findUserByEmail, findUserByPhone } from '../store/users.js';
import { validateEmail, validatePhone } from '../users/validate-contact.js';

const schema = z.object({ type: optionalString, email: optionalString, phone: optionalString });

const types = ['signup', 'email_change', 'sms', 'phone_change'] as const;

/** POST /resend: the code once more. 200 {} also where there is nobody to send one to. */
export const resendRoutes: RegisterRoutes = (app, context) => {
  app.post('/resend', async (request) => {
    context.limits.check('otp', request);
    await checkCaptcha(request, context);
    const { type, email, phone } = readResend(context, parseBody(request, schema));
    const { audience } = context.settings.jwt;
    const [user] = await context.read(
      email === '' ? findUserByPhone(phone, audience) : findUserByEmail(email, audience),
    );
    if (user === undefined) return {};
    const client = clientAddress(request);
    const redirectTo = resolveRedirect(request, context.settings);
    switch (type) {
      case 'signup': {
        if (user.email_confirmed_at !== null) return {};
        const { queries, mails } = prepareMail(context, 'confirmation', { user, redirectTo });
        const audit = recordAudit(context, client, user, 'user_confirmation_requested');
        await context.transaction(async (run) => await ask(run, ...audit, ...queries));
        await sendMails(context, mails);
        return {};
      }
      case 'email_change': {
        if (user.email_change === '') return {};
        const { queries, mails } = prepareEmailChange(context, user.email_change, { user, redirectTo });
        await context.transaction(async (run) => await ask(run, ...queries));
        await sendMails(context, mails);
        return {};
      }
      case 'sms':
      case 'phone_change': {
        const change = type === 'phone_change';
        if (change ? user.phone_change === '' : user.phone_confirmed_at !== null) return {};
        const to = change ? user.phone_change : phone;
        const sms = prepareSms(context, change ? 'phone_change' : 'confirmation', { user, phone: to, channel: 'sms' });
        const audit = change ? [] : recordAudit(context, client, user, 'user_recovery_requested');
        await context.transaction(async (run) => await ask(run, ...audit, ...sms.queries));
        const id = await sendPrepared(context, sms);
        return id === '' ? {} : { message_id: id };
      }
    }
  });
};

function readResend({ settings }: AuthContext, body: z.output<typeof schema>) {
  const type = types.find((each) => each === body.type);
  if (type === undefined) throw validationFailed('Missing one of these types: signup, email_change, sms, phone_change');
  if (body.email === '' && type === 'signup') throw validationFailed('Type provided requires an email address');
  if (body.phone === '' && type === 'sms') throw validationFailed('Type provided requires a phone number');
  if (body.email !== '' && body.phone !== '') {
    throw validationFailed('Only an email address or phone number should be provided.');
  }
  if (body.email === '' && body.phone === '') throw validationFailed('Missing email address or phone number');
  if (body.email !== '') {
    if (!settings.signup.email) throw unprocessable('email_provider_disabled', 'Email logins are disabled');
    return { type, email: validateEmail(body.email), phone: '' };
  }
  if (!settings.signup.phone) throw unprocessable('phone_provider_disabled', 'Phone logins are disabled');
  return { type, email: '', phone: validatePhone(body.phone) };
}

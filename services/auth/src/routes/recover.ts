import { z } from 'zod';
import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import { unprocessable, validationFailed } from '../errors.js';
import { checkCaptcha } from '../http/check-captcha.js';
import { clientAddress } from '../http/client-address.js';
import { optionalString, parseBody, pkceFields } from '../http/parse-body.js';
import { prepareMail, sendMails } from '../mail/prepare-mail.js';
import { resolveRedirect } from '../redirects/resolve-redirect.js';
import { ask, askOne } from '../store/query.js';
import { findUserByEmail } from '../store/users.js';
import { beginFlow } from '../tokens/begin-flow.js';
import { readChallenge } from '../tokens/pkce.js';
import { validateEmail } from '../users/validate-contact.js';

const schema = z.object({ email: optionalString, ...pkceFields });

/** POST /recover: a link to choose a new password by. 200 {} for unknown addresses as well. */
export const recoverRoutes: RegisterRoutes = (app, context) => {
  app.post('/recover', async (request) => {
    context.limits.check('otp', request);
    await checkCaptcha(request, context);
    const { settings } = context;
    if (!settings.signup.email) throw unprocessable('email_provider_disabled', 'Email logins are disabled');
    const body = parseBody(request, schema);
    if (body.email === '') throw validationFailed('Password recovery requires an email');
    const email = validateEmail(body.email);
    const challenge = readChallenge(body.code_challenge, body.code_challenge_method);
    const mails = await context.transaction(async (run) => {
      const user = await askOne(run, findUserByEmail(email, settings.jwt.audience, { forUpdate: true }));
      if (user === undefined) return [];
      const redirectTo = resolveRedirect(request, settings);
      const prepared = prepareMail(context, 'recovery', { user, redirectTo, pkce: challenge !== undefined });
      const flow = { userId: user.id, provider: 'recovery', authenticationMethod: 'recovery' };
      const flows = challenge === undefined ? [] : [beginFlow(challenge, flow, context.now())];
      const audit = recordAudit(context, clientAddress(request), user, 'user_recovery_requested');
      await ask(run, ...audit, ...flows, ...prepared.queries);
      return prepared.mails;
    });
    await sendMails(context, mails);
    return {};
  });
};

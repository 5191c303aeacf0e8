import { z } from 'zod';
import type { RegisterRoutes } from '../auth.js';
import type { AuthContext } from '../context.js';
import { forbidden } from '../errors.js';
import { requireUser } from '../http/authenticate.js';
import { optionalObject, optionalString, parseBody, pkceFields } from '../http/parse-body.js';
import { notify, notifyContactChange } from '../mail/notify.js';
import { sendMails } from '../mail/prepare-mail.js';
import { checkPasswordStrength } from '../passwords/check-strength.js';
import { sendPrepared } from '../sms/prepare-sms.js';
import { readChallenge } from '../tokens/pkce.js';
import { renderUser } from '../users/render-user.js';
import { applyChanges, checkNewPassword, judgeChanges, type UserChanges } from '../users/update-user.js';
import { validateChannel, validateEmail, validatePhone } from '../users/validate-contact.js';

const schema = z.object({
  email: optionalString,
  phone: optionalString,
  password: z
    .string()
    .nullish()
    .transform((value) => value ?? undefined),
  current_password: optionalString,
  nonce: optionalString,
  data: optionalObject,
  app_metadata: optionalObject,
  channel: optionalString,
  ...pkceFields,
});

/** GET /user and PUT /user: one's own. */
export const userRoutes: RegisterRoutes = (app, context) => {
  app.get('/user', async (request) => {
    const { user } = await requireUser(request, context);
    return renderUser(user);
  });

  app.put('/user', async (request) => {
    const caller = await requireUser(request, context);
    context.limits.check('otp', request);
    const body = parseBody(request, schema);
    if (body.app_metadata !== undefined && !context.settings.jwt.adminRoles.includes(caller.user.role)) {
      throw forbidden('not_admin', 'Updating app_metadata requires admin privileges');
    }
    const changes = await readChanges(context, body);
    judgeChanges(caller, changes);
    const passwordHash = await checkNewPassword(context, caller.user, changes);
    const { user, mail, sms } = await context.transaction(
      async (run) => await applyChanges(run, context, request, { caller, changes, passwordHash }),
    );
    if (mail !== undefined) await sendMails(context, mail.mails);
    if (sms !== undefined) await sendPrepared(context, sms);
    if (passwordHash !== undefined) await notify(context, 'passwordChanged', caller.user);
    await notifyContactChange(context, caller.user, user);
    return renderUser(user);
  });
};

async function readChanges(context: AuthContext, body: z.output<typeof schema>): Promise<UserChanges> {
  const byHook = context.hooks.target('sendSms') !== undefined;
  const changes = {
    email: body.email === '' ? '' : validateEmail(body.email),
    phone: body.phone === '' ? '' : validatePhone(body.phone),
    password: body.password,
    currentPassword: body.current_password,
    nonce: body.nonce,
    data: body.data,
    channel: validateChannel(body.channel, context.settings.sms.provider.name, byHook),
    challenge: readChallenge(body.code_challenge, body.code_challenge_method),
  };
  if (changes.password !== undefined) await checkPasswordStrength(context, changes.password);
  return changes;
}

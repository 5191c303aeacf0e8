import { z } from 'zod';
import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import { unprocessable } from '../errors.js';
import { requireAdmin } from '../http/authenticate.js';
import { clientAddress } from '../http/client-address.js';
import { optionalObject, optionalString, parseBody } from '../http/parse-body.js';
import { prepareMail, sendMails } from '../mail/prepare-mail.js';
import { resolveRedirect } from '../redirects/resolve-redirect.js';
import { reload } from '../sign-up/sign-up.js';
import { ask, askOne } from '../store/query.js';
import { findUserWithEmail } from '../store/users.js';
import { createUser } from '../users/create-user.js';
import { renderUser } from '../users/render-user.js';
import { beforeUserCreated } from '../users/user-hooks.js';
import { validateEmail } from '../users/validate-contact.js';

const schema = z.object({ email: optionalString, data: optionalObject });

/** POST /invite: a user without a password, who gets a mail. 422 email_exists where the address is confirmed already. */
export const inviteRoutes: RegisterRoutes = (app, context) => {
  app.post('/invite', async (request) => {
    await requireAdmin(request, context);
    const body = parseBody(request, schema);
    const email = validateEmail(body.email);
    const find = findUserWithEmail(email, context.settings.jwt.audience);
    const candidate = invitedUser(email, body.data ?? {});
    const [known] = await context.read(find);
    if (known === undefined) await beforeUserCreated(context, request, candidate);
    const { user, mails } = await context.transaction(async (run) => {
      const existing = await askOne(run, find);
      if (existing !== undefined && existing.email_confirmed_at !== null) {
        throw unprocessable('email_exists', 'A user with this email address has already been registered');
      }
      const invited = existing ?? (await createUser(run, context, candidate));
      const redirectTo = resolveRedirect(request, context.settings);
      const prepared = prepareMail(context, 'invite', { user: invited, redirectTo });
      const traits = { user_id: invited.id, user_email: invited.email };
      const audit = recordAudit(context, clientAddress(request), 'service_role', 'user_invited', traits);
      await ask(run, ...audit, ...prepared.queries);
      return { user: await reload(run, invited.id), mails: prepared.mails };
    });
    await sendMails(context, mails);
    return renderUser(user);
  });
};

export function invitedUser(email: string, data: Readonly<Record<string, unknown>>) {
  return {
    email,
    provider: 'email',
    userMetadata: data,
    identity: { provider: 'email', data: { email, email_verified: false, phone_verified: false } },
  };
}

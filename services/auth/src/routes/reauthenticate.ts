import { recordAudit } from '../audit.js';
import type { RegisterRoutes } from '../auth.js';
import { unprocessable } from '../errors.js';
import { requireUser } from '../http/authenticate.js';
import { clientAddress } from '../http/client-address.js';
import { prepareMail, sendMails } from '../mail/prepare-mail.js';
import { prepareSms, sendPrepared } from '../sms/prepare-sms.js';
import { ask } from '../store/query.js';

/** GET /reauthenticate: a code with which a password may be changed. */
export const reauthenticateRoutes: RegisterRoutes = (app, context) => {
  app.get('/reauthenticate', async (request) => {
    const { user } = await requireUser(request, context);
    const { email, phone } = { email: user.email ?? '', phone: user.phone ?? '' };
    if (email === '' && phone === '') {
      throw unprocessable('validation_failed', 'Reauthentication requires the user to have an email or a phone number');
    }
    if (email !== '' && user.email_confirmed_at === null) {
      throw unprocessable('email_not_confirmed', 'Please verify your email first.');
    }
    if (email === '' && user.phone_confirmed_at === null) {
      throw unprocessable('phone_not_confirmed', 'Please verify your phone first.');
    }
    const audit = recordAudit(context, clientAddress(request), user, 'user_reauthenticate_requested');
    if (email !== '') {
      const { queries, mails } = prepareMail(context, 'reauthentication', {
        user,
        redirectTo: context.settings.siteUrl,
      });
      await context.transaction(async (run) => await ask(run, ...audit, ...queries));
      await sendMails(context, mails);
      return {};
    }
    const sms = prepareSms(context, 'reauthentication', { user, phone, channel: 'sms' });
    await context.transaction(async (run) => await ask(run, ...audit, ...sms.queries));
    const id = await sendPrepared(context, sms);
    return id === '' ? {} : { message_id: id };
  });
};

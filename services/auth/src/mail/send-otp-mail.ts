import type { AuthContext } from '../context.js';
import { ask } from '../store/query.js';
import type { FullUser } from '../store/users.js';
import { prepareMail, sendMails } from './prepare-mail.js';

/** Writes a new code and sends it to the user's address, in a transaction of its own. 429 where one was sent just now. */
export async function sendConfirmation(context: AuthContext, user: FullUser, redirectTo: string): Promise<void> {
  const { queries, mails } = prepareMail(context, 'confirmation', { user, redirectTo });
  await context.transaction(async (run) => await ask(run, ...queries));
  await sendMails(context, mails);
}

import type { AuthContext } from '../context.js';
import { unprocessable } from '../errors.js';
import { sendConfirmation } from '../mail/send-otp-mail.js';
import type { Settled } from './settle-identity.js';

/** Sends the confirmation, after the transaction, to whom the provider does not vouch for. 422 provider_email_needs_verification. */
export async function requireConfirmed(
  context: AuthContext,
  { user, unconfirmed }: Settled,
  provider: string,
  redirectTo: string,
): Promise<void> {
  if (!unconfirmed) return;
  if (user.email === null || user.email === '') {
    const message = `Unverified email with ${provider}. Verify the email with ${provider} in order to sign in`;
    throw unprocessable('provider_email_needs_verification', message);
  }
  await sendConfirmation(context, user, redirectTo);
  const message = `Unverified email with ${provider}. A confirmation email has been sent to your ${provider} email`;
  throw unprocessable('provider_email_needs_verification', message);
}

import { randomUUID } from 'node:crypto';
import nodemailer from 'nodemailer';
import { badRequest, internalError, tooManyRequests } from '../errors.js';
import type { HookRunner } from '../hooks/run-hook.js';
import type { RateLimits } from '../limits/rate-limits.js';
import type { AuthSettings } from '../settings/schema.js';
import { renderUser } from '../users/render-user.js';
import { createInbox } from './inbox.js';
import type { AuthMail, Mailer } from './mailer.js';
import { renderMail } from './render-mail.js';

interface Needs {
  readonly settings: AuthSettings;
  readonly hooks: HookRunner;
  readonly limits: RateLimits;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/** Mails by the hook where there is one, by SMTP where there is a server, and into the inbox where it is open. */
export function createMailer({ settings, hooks, limits, now }: Needs): Mailer {
  const { smtp, timeoutSeconds, from, senderName } = settings.mail;
  const inbox = createInbox();
  const timeout = timeoutSeconds * 1000;
  const transport =
    smtp === undefined
      ? undefined
      : nodemailer.createTransport({
          pool: true,
          maxConnections: 2,
          host: smtp.host,
          port: smtp.port,
          secure: smtp.tls,
          ...(smtp.user === undefined ? {} : { auth: { user: smtp.user, pass: smtp.password ?? '' } }),
          connectionTimeout: timeout,
          greetingTimeout: timeout,
          socketTimeout: timeout,
          disableFileAccess: true,
          disableUrlAccess: true,
        });

  async function deliver(mail: AuthMail): Promise<void> {
    const { subject, html } = renderMail(mail, settings);
    const sender = senderName === undefined ? from : { name: senderName, address: from };
    if (transport !== undefined) {
      try {
        await transport.sendMail({ from: sender, to: { name: '', address: mail.to }, subject, html });
      } catch (error) {
        throw internalError(sendFailure(mail.kind), error);
      }
    }
    if (settings.mail.inbox)
      inbox.add({ id: randomUUID(), from, to: mail.to, subject, html, createdAt: now().toISOString() });
  }

  return {
    inbox,
    async send(mail) {
      if (!isAuthorized(mail.to, settings.email.authorizedAddresses)) {
        throw badRequest(
          'email_address_not_authorized',
          `Email address "${mail.to}" cannot be used as it is not authorized`,
        );
      }
      if (!limits.allowsMail()) throw tooManyRequests('over_email_send_rate_limit', 'email rate limit exceeded', 60);
      if (hooks.target('sendEmail') === undefined) await deliver(mail);
      else await hooks.run('sendEmail', { user: renderUser(mail.user), email_data: hookData(mail, settings) });
    },
    async [Symbol.asyncDispose]() {
      transport?.close();
    },
  };
}

const sendFailures = {
  confirmation: 'Error sending confirmation email',
  recovery: 'Error sending recovery email',
  invite: 'Error sending invite email',
  magicLink: 'Error sending magic link email',
  emailChange: 'Error sending email change email',
  reauthentication: 'Error sending reauthentication email',
} as const;

function sendFailure(kind: AuthMail['kind']): string {
  return kind in sendFailures ? sendFailures[kind as keyof typeof sendFailures] : 'Error sending notification email';
}

/** Addresses, `*@domain`, or nothing: everybody. */
export function isAuthorized(address: string, allowed: readonly string[]): boolean {
  if (allowed.length === 0) return true;
  const lower = address.toLowerCase();
  return allowed.some((each) => {
    const rule = each.toLowerCase();
    return rule.startsWith('*@') ? lower.endsWith(rule.slice(1)) : rule === lower;
  });
}

function hookData(mail: AuthMail, settings: AuthSettings) {
  return {
    token: mail.otp,
    token_hash: mail.tokenHash,
    redirect_to: mail.redirectTo,
    email_action_type: mail.linkType,
    site_url: settings.externalUrl,
    token_new: mail.otpNew ?? '',
    token_hash_new: mail.tokenHashNew ?? '',
    old_email: mail.details?.oldEmail ?? '',
    old_phone: mail.details?.oldPhone ?? '',
    provider: mail.details?.provider ?? '',
    factor_type: mail.details?.factorType ?? '',
  };
}

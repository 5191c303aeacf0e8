import type { MailKind } from '../settings/mail.js';
import type { AuthSettings } from '../settings/schema.js';
import { defaultTemplates } from './default-templates.js';
import type { AuthMail } from './mailer.js';
import { renderTemplate } from './render-template.js';

/** Subject and HTML, by the templates of the settings or ours. */
export function renderMail(
  mail: AuthMail,
  settings: AuthSettings,
): { readonly subject: string; readonly html: string } {
  const own = settings.mail.templates[mail.kind];
  const { subject, content } = defaultTemplates[mail.kind];
  const values = templateValues(mail, settings);
  return {
    subject: renderTemplate(own?.subject ?? subject, values, 'text').replaceAll(/[\r\n]+/g, ' '),
    html: renderTemplate(own?.content ?? content, values, 'html'),
  };
}

/** What templates may name, as GoTrue gives it (supabase/auth, internal/mailer/templatemailer). */
function templateValues(mail: AuthMail, settings: AuthSettings): Readonly<Record<string, unknown>> {
  return {
    SiteURL: settings.siteUrl,
    ConfirmationURL: mail.kind === 'reauthentication' || mail.tokenHash === '' ? '' : actionLink(mail, settings),
    Email: mail.user.email ?? '',
    NewEmail: mail.user.email_change,
    SendingTo: mail.to,
    Token: mail.otp,
    TokenHash: mail.tokenHash,
    Data: mail.user.raw_user_meta_data,
    RedirectTo: mail.redirectTo,
    OldEmail: mail.details?.oldEmail ?? '',
    Phone: mail.user.phone ?? '',
    OldPhone: mail.details?.oldPhone ?? '',
    Provider: mail.details?.provider ?? '',
    FactorType: mail.details?.factorType ?? '',
  };
}

/** The link in a mail: to /verify, which redirects to the application. */
export function actionLink(
  { tokenHash, linkType, redirectTo }: Pick<AuthMail, 'tokenHash' | 'linkType' | 'redirectTo'>,
  settings: Pick<AuthSettings, 'externalUrl' | 'mail'>,
): string {
  const query = `token=${encodeURIComponent(tokenHash)}&type=${encodeURIComponent(linkType)}&redirect_to=${encodeURIComponent(redirectTo)}`;
  return `${settings.externalUrl.replace(/\/+$/, '')}${settings.mail.linkPath}?${query}`;
}

export type { MailKind };

import type { RegisterRoutes } from '../auth.js';
import { notFound } from '../errors.js';
import { pathValue, queryValue } from '../http/parse-body.js';
import { renderInbox, renderMailPage } from '../mail/inbox-page.js';
import type { SentMail } from '../mail/mailer.js';

/**
 * The mails in memory, below /inbox: a page for people, and of Mailpit's API (mailpit.axllent.org, API v1) what tests use. Only where mail.inbox is
 * on, which is for development: these mails sign in as anybody.
 */
export const inboxRoutes: RegisterRoutes = (app, { settings, sms, mailer: { inbox } }) => {
  if (!settings.mail.inbox) return;
  const find = (id: string) => {
    const mail = id === 'latest' ? inbox.list()[0] : inbox.find(id);
    if (mail === undefined) throw notFound('unknown', 'There is no such message');
    return mail;
  };
  app.get('/inbox', async (_request, reply) => await reply.type('text/html').send(renderInbox(inbox.list())));
  app.get('/inbox/message/:id', async (request, reply) => {
    // The mail is somebody's HTML: no script of it may run, and nothing is loaded.
    reply.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups");
    return await reply.type('text/html').send(renderMailPage(find(pathValue(request, 'id'))));
  });
  app.get('/inbox/api/v1/messages', async (request) => page(inbox.list(), request.query));
  app.get('/inbox/api/v1/search', async (request) => {
    const wanted = queryValue(request, 'query').replace(/^to:/, '').replaceAll('"', '').toLowerCase();
    return page(
      inbox.list().filter(({ to, subject }) => `${to} ${subject}`.toLowerCase().includes(wanted)),
      request.query,
    );
  });
  app.get('/inbox/api/v1/message/:id', async (request) => {
    const mail = find(pathValue(request, 'id'));
    return {
      ...summary(mail),
      HTML: mail.html,
      Text: plainText(mail.html),
      Date: mail.createdAt,
      ReturnPath: mail.from,
    };
  });
  // Not Mailpit's: what the SMS provider `log` kept.
  app.get('/inbox/api/v1/sms', async () => ({
    messages: sms.sent().map(({ phone, channel, text }) => ({ To: phone, Channel: channel, Text: text })),
  }));
  app.delete('/inbox/api/v1/messages', async (_request, reply) => {
    inbox.clear();
    return await reply.type('text/plain').send('ok');
  });
};

function page(mails: readonly SentMail[], query: unknown) {
  const { limit, start } = (query ?? {}) as { readonly limit?: unknown; readonly start?: unknown };
  const from = Math.max(0, Number(start ?? 0) || 0);
  const messages = mails.slice(from, from + Math.max(0, Number(limit ?? 50) || 50));
  return {
    total: mails.length,
    unread: mails.length,
    count: messages.length,
    messages_count: mails.length,
    start: from,
    tags: [],
    messages: messages.map(summary),
  };
}

function summary({ id, from, to, subject, html, createdAt }: SentMail) {
  return {
    ID: id,
    MessageID: `${id}@holdfast`,
    Read: false,
    From: { Name: '', Address: from },
    To: [{ Name: '', Address: to }],
    Cc: [],
    Bcc: [],
    ReplyTo: [],
    Subject: subject,
    Created: createdAt,
    Tags: [],
    Size: html.length,
    Attachments: 0,
    Snippet: plainText(html).slice(0, 250),
  };
}

function plainText(html: string): string {
  return html
    .replaceAll(/<a\s[^>]*href="([^"]*)"[^>]*>([^<]*)<\/a>/g, '$2 ( $1 )')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&amp;', '&')
    .replaceAll(/[ \t]+/g, ' ')
    .replaceAll(/\s*\n\s*/g, '\n')
    .trim();
}

import type { SentMail } from './mailer.js';
import { escapeHtml } from './render-template.js';

const frame = (title: string, body: string) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .4rem; border-bottom: 1px solid #ddd }
</style></head><body>${body}</body></html>
`;

/** The newest first, with links. */
export function renderInbox(mails: readonly SentMail[]): string {
  const rows = mails.map(
    ({ id, to, subject, createdAt }) =>
      `<tr><td><a href="inbox/message/${encodeURIComponent(id)}">${escapeHtml(subject)}</a></td><td>${escapeHtml(to)}</td><td>${escapeHtml(createdAt)}</td></tr>`,
  );
  const table =
    rows.length === 0
      ? '<p>No mail yet.</p>'
      : `<table><tr><th>Subject</th><th>To</th><th>Sent</th></tr>${rows.join('')}</table>`;
  return frame('Inbox', `<h1>Inbox</h1>${table}`);
}

export function renderMailPage({ to, from, subject, html, createdAt }: SentMail): string {
  const head = `<h1>${escapeHtml(subject)}</h1><p>From ${escapeHtml(from)} to ${escapeHtml(to)}, ${escapeHtml(createdAt)}</p><hr>`;
  return frame(escapeHtml(subject), head + html);
}

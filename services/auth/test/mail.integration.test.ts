import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestDatabase } from './harness.js';

interface Delivered {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
}

/** A real SMTP server, which wants a user and refuses one address. */
async function startSmtp() {
  const delivered: Delivered[] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    authOptional: false,
    onAuth: ({ username, password }, _session, done) =>
      username === 'mailer' && password === 'secret' ? done(null, { user: username }) : done(new Error('who are you?')),
    onRcptTo: ({ address }, _session, done) =>
      done(address.startsWith('refused') ? new Error('no such mailbox') : null),
    onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        const raw = Buffer.concat(chunks).toString('utf8');
        delivered.push({ from, to: envelope.rcptTo.map(({ address }) => address), raw });
        done();
      });
    },
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    delivered,
    [Symbol.asyncDispose]: async () => await new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** Quoted-printable lines joined. */
const decoded = (raw: string) =>
  raw
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

describe.skipIf(postgresBin === undefined)('mail', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startDatabase();
  });
  afterAll(async () => await database?.[Symbol.asyncDispose]());

  test('goes by SMTP, with the templates of the settings', async () => {
    await using smtp = await startSmtp();
    await using auth = await startAuth(database, {
      siteUrl: 'https://app.example.com',
      email: { autoconfirm: false },
      mail: {
        inbox: false,
        from: 'service@example.com',
        senderName: 'The Service',
        smtp: { host: '127.0.0.1', port: smtp.port, user: 'mailer', password: 'secret' },
        templates: {
          confirmation: {
            subject: 'Hello {{ .Data.name }}',
            content:
              '<p>{{ .SiteURL }} | {{ .Email }} | {{ .Token }} | {{ .TokenHash }} | {{ .RedirectTo }} | {{ .Data.name }} | <a href="{{ .ConfirmationURL }}">x</a></p>',
          },
        },
      },
    });
    const email = freshEmail();
    const { error } = await auth
      .client()
      .signUp({ email, password: 'correct horse', options: { data: { name: '<b>Ada</b>' } } });
    expect(error).toBeNull();
    expect(smtp.delivered).toHaveLength(1);
    const [mail] = smtp.delivered;
    expect(mail).toMatchObject({ from: 'service@example.com', to: [email] });
    const text = decoded(mail?.raw ?? '');
    expect(text).toContain('From: The Service <service@example.com>');
    expect(text).toContain('Subject: Hello <b>Ada</b>');
    expect(text).toMatch(
      new RegExp(
        `https://app\\.example\\.com \\| ${email.replaceAll('.', '\\.')} \\| \\d{6} \\| [0-9a-f]{56} \\| https://app\\.example\\.com \\| &lt;b&gt;Ada&lt;/b&gt; \\| <a href="http://127\\.0\\.0\\.1:8000/auth/v1/verify\\?token=`,
      ),
    );
    expect((await auth.call('GET', '/inbox/api/v1/messages')).status).toBe(404);
  });

  test('that cannot be sent is an error without a secret in it', async () => {
    await using smtp = await startSmtp();
    const base = { email: { autoconfirm: false } };
    const server = { host: '127.0.0.1', port: smtp.port, user: 'mailer' };
    await using wrong = await startAuth(database, {
      ...base,
      mail: { smtp: { ...server, password: 'not the secret' } },
    });
    const answer = await wrong.call('POST', '/signup', { body: { email: freshEmail(), password: 'correct horse' } });
    expect([answer.status, answer.body.error_code, answer.body.msg]).toEqual([
      500,
      'unexpected_failure',
      'Error sending confirmation email',
    ]);
    expect(JSON.stringify(answer.body)).not.toContain('not the secret');
    await using right = await startAuth(database, { ...base, mail: { smtp: { ...server, password: 'secret' } } });
    const refused = await right.call('POST', '/signup', {
      body: { email: `refused.${freshEmail()}`, password: 'correct horse' },
    });
    expect(refused.status).toBe(500);
    await using nobody = await startAuth(database, {
      ...base,
      mail: { timeoutSeconds: 1, smtp: { host: '127.0.0.1', port: 1 } },
    });
    expect(
      (await nobody.call('POST', '/signup', { body: { email: freshEmail(), password: 'correct horse' } })).status,
    ).toBe(500);
  });

  test('is limited for the whole service', async () => {
    await using auth = await startAuth(database, { rateLimits: { email: 2 } });
    const email = freshEmail();
    await auth.client().signUp({ email, password: 'correct horse' });
    const send = async () => (await auth.client().resetPasswordForEmail(email)).error?.code;
    expect([await send(), await send(), await send()]).toEqual([undefined, undefined, 'over_email_send_rate_limit']);
    auth.advance(3600);
    expect(await send()).toBeUndefined();
  });

  test('goes to authorized addresses only, where there are any', async () => {
    await using auth = await startAuth(database, {
      email: { autoconfirm: false, authorizedAddresses: ['*@team.example.com'] },
    });
    const { error } = await auth.client().signUp({ email: freshEmail(), password: 'correct horse' });
    expect(error).toMatchObject({ status: 400, code: 'email_address_not_authorized' });
    const own = await auth
      .client()
      .signUp({ email: `x.${freshEmail().replace('example.com', 'team.example.com')}`, password: 'correct horse' });
    expect(own.error).toBeNull();
  });

  test('is kept in memory for development, as Mailpit shows it', async () => {
    await using auth = await startAuth(database, { email: { autoconfirm: false } });
    const email = freshEmail();
    await auth
      .client()
      .signUp({ email, password: 'correct horse', options: { data: { name: '<script>alert(1)</script>' } } });
    const list = await auth.call('GET', '/inbox/api/v1/messages');
    expect(list.body).toMatchObject({
      total: 1,
      count: 1,
      start: 0,
      messages: [{ To: [{ Address: email }], Subject: 'Confirm Your Email' }],
    });
    const [{ ID } = { ID: '' }] = list.body.messages as readonly { readonly ID: string }[];
    const one = await auth.call('GET', `/inbox/api/v1/message/${ID}`);
    expect(one.body).toMatchObject({
      ID,
      HTML: expect.stringContaining('/verify?token='),
      Text: expect.stringMatching(/code: \d{6}/),
    });
    expect((await auth.call('GET', '/inbox/api/v1/message/latest')).body).toMatchObject({ ID });
    const page = await auth.call('GET', '/inbox');
    expect(page.body.text).toContain(email);
    const shown = await auth.call('GET', `/inbox/message/${ID}`);
    expect(shown.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await auth.call('DELETE', '/inbox/api/v1/messages')).status).toBe(200);
    expect((await auth.call('GET', '/inbox/api/v1/messages')).body).toMatchObject({ total: 0 });
    expect((await auth.call('GET', `/inbox/api/v1/message/${ID}`)).status).toBe(404);
  });
});

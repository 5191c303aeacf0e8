import { TOTP } from 'otpauth';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  freshEmail,
  freshPhone,
  postgresBin,
  startAuth,
  startDatabase,
  type TestAuth,
  type TestDatabase,
} from './harness.js';
import { clientId, clientSecret, type OidcServer, startOidcServer } from './oidc-server.js';

const callback = 'http://127.0.0.1:8000/auth/v1/callback';
const password = 'correct horse';

describe.skipIf(postgresBin === undefined)('mails that tell what was done to an account', () => {
  let database: TestDatabase;
  let oidc: OidcServer;
  let auth: TestAuth;
  let silent: TestAuth;

  beforeAll(async () => {
    database = await startDatabase();
    oidc = await startOidcServer([callback]);
    const common = {
      identities: { manualLinking: true },
      providers: { acme: { clientIds: [clientId], secret: clientSecret, url: oidc.issuer } },
    };
    silent = await startAuth(database, common);
    auth = await startAuth(database, {
      ...common,
      mail: {
        notifications: {
          passwordChanged: true,
          emailChanged: true,
          phoneChanged: true,
          identityLinked: true,
          identityUnlinked: true,
          factorEnrolled: true,
          factorUnenrolled: true,
        },
        templates: { passwordChanged: { content: '<p>{{ .Email }}</p>' } },
      },
    });
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await silent?.[Symbol.asyncDispose]();
    await oidc?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  /** Does everything that there is a mail for; whom the mails went to. */
  async function walk(service: TestAuth) {
    const [email, phone] = [freshEmail(), freshPhone()];
    const client = service.client();
    await client.signUp({ email, password });
    expect((await client.updateUser({ password: 'another horse' })).error).toBeNull();
    expect((await client.updateUser({ phone })).error).toBeNull();
    expect((await client.updateUser({ data: { name: 'nothing to tell' } })).error).toBeNull();

    oidc.person = { sub: `of ${email}`, email: freshEmail(), email_verified: true };
    const { data: link } = await client.linkIdentity({
      provider: 'acme' as never,
      options: { skipBrowserRedirect: true },
    });
    const back = await oidc.signIn(link?.url ?? '');
    expect((await service.call('GET', `/callback${back.search}`)).status).toBe(302);
    const { data: linked } = await client.getUserIdentities();
    const identity = linked?.identities.find(({ provider }) => provider === 'acme');
    if (identity === undefined) throw new Error('not linked');
    expect((await client.unlinkIdentity(identity)).error).toBeNull();

    const { data: factor } = await client.mfa.enroll({ factorType: 'totp' });
    if (factor === null) throw new Error('not enrolled');
    const code = new TOTP({ secret: factor.totp.secret }).generate();
    expect((await client.mfa.challengeAndVerify({ factorId: factor.id, code })).error).toBeNull();
    expect((await client.mfa.unenroll({ factorId: factor.id })).error).toBeNull();
    return { email, phone };
  }

  test('each thing is told once', async () => {
    const { email, phone } = await walk(auth);
    const mails = [...(await auth.mails(email))].reverse();
    expect(mails.map(({ subject }) => subject)).toEqual([
      'Your password has been changed',
      'Your phone number has been changed',
      'A new identity has been linked',
      'An identity has been unlinked',
      'A new MFA factor has been enrolled',
      'An MFA factor has been unenrolled',
    ]);
    expect(mails[0]?.html).toBe(`<p>${email}</p>`);
    expect(mails[1]?.html).toContain(phone);
    expect(mails[2]?.html).toContain('by acme');
    expect(mails[5]?.html).toContain('(totp)');
    for (const { html } of mails) expect(html).not.toContain('/verify');
  });

  test('none unless the settings say so', async () => {
    const { email } = await walk(silent);
    expect(await silent.mails(email)).toEqual([]);
  });

  test('a new address is told to the old one, once it counts; one that cannot be sent changes nothing', async () => {
    const strict = await startAuth(database, {
      email: { autoconfirm: false, doubleConfirmChanges: false },
      mail: { notifications: { emailChanged: true } },
    });
    try {
      const [email, next] = [freshEmail(), freshEmail()];
      const admin = await strict.admin();
      await admin.admin.createUser({ email, password, email_confirm: true });
      const client = strict.client();
      await client.signInWithPassword({ email, password });
      await client.updateUser({ email: next });
      const [{ otp = '' } = {}] = await strict.mails(next);
      expect((await client.verifyOtp({ email: next, token: otp, type: 'email_change' })).error).toBeNull();
      const [told, ...others] = await strict.mails(email);
      expect(others).toEqual([]);
      expect(told?.subject).toBe('Your email address has been changed');
      expect(told?.html).toContain(`from ${email} to ${next}`);
    } finally {
      await strict[Symbol.asyncDispose]();
    }
    const refused = await startAuth(database, {
      mail: { notifications: { passwordChanged: true } },
      rateLimits: { email: 0 },
    });
    try {
      const client = refused.client();
      await client.signUp({ email: freshEmail(), password });
      expect((await client.updateUser({ password: 'another horse' })).error).toBeNull();
    } finally {
      await refused[Symbol.asyncDispose]();
    }
  });
});

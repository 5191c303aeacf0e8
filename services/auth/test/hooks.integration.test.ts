import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestDatabase } from './harness.js';

const password = 'correct horse';
const key = Buffer.from('a secret of thirty-two bytes or more');
const secret = `v1,whsec_${key.toString('base64')}`;

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the hook send_email is told. */
function mailOf(received: Received | undefined) {
  const body = (received?.body ?? {}) as {
    readonly user?: object;
    readonly email_data?: Readonly<Record<string, string>>;
  };
  return { user: body.user, email_data: body.email_data ?? {} };
}

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A server that other code decides with: answers what it is told to. */
async function startHook(reply: (received: Received, count: number) => Reply | 'silence') {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      const isJson = request.headers['content-type'] === 'application/json';
      const one = {
        headers: request.headers,
        text,
        body: isJson ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text)),
      };
      received.push(one);
      const answer = reply(one, received.length);
      if (answer === 'silence') return;
      response.writeHead(answer.status ?? 200, answer.headers ?? { 'content-type': 'application/json' });
      response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    uri: `http://127.0.0.1:${port}/hook`,
    received,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

describe.skipIf(postgresBin === undefined)('hooks', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startDatabase();
  });
  afterAll(async () => await database?.[Symbol.asyncDispose]());

  test('change the access token, and are signed as standard webhooks', async () => {
    await using hook = await startHook(({ body }) => ({
      body: { claims: { ...(body.claims as object), plan: 'gold' } },
    }));
    await using auth = await startAuth(database, {
      hooks: { customAccessToken: { uri: hook.uri, secrets: [secret] } },
    });
    const client = auth.client();
    const { data } = await client.signUp({ email: freshEmail(), password });
    expect((await client.getClaims()).data?.claims).toMatchObject({ plan: 'gold', sub: data.user?.id });
    const [first] = hook.received;
    expect(first?.body).toMatchObject({
      user_id: data.user?.id,
      authentication_method: 'password',
      claims: { aal: 'aal1' },
    });
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = first?.headers ?? {};
    expect(signature).toBe(
      `v1,${createHmac('sha256', key)
        .update(`${String(id)}.${String(time)}.${first?.text}`)
        .digest('base64')}`,
    );
    await client.refreshSession();
    expect(hook.received[1]?.body).toMatchObject({ authentication_method: 'token_refresh' });
  });

  test('may be functions of the database', async () => {
    await database.sql(`CREATE FUNCTION public.claims(event jsonb) RETURNS jsonb LANGUAGE sql AS
      $$ SELECT jsonb_set(event, '{claims,level}', '7') $$`);
    await database.sql('GRANT EXECUTE ON FUNCTION public.claims TO supabase_auth_admin');
    await using auth = await startAuth(database, {
      hooks: { customAccessToken: { uri: 'pg-functions://postgres/public/claims' } },
    });
    const client = auth.client();
    await client.signUp({ email: freshEmail(), password });
    expect((await client.getClaims()).data?.claims).toMatchObject({ level: 7 });
  });

  test.each([
    ['without claims', { body: {} }],
    ['without a claim that every token has', { body: { claims: { sub: 'x' } } }],
    ['of another type', { headers: { 'content-type': 'text/plain' }, body: 'hello' }],
    ['that is no JSON', { body: '{' }],
    ['that is too large', { body: `"${'x'.repeat(300 * 1024)}"` }],
    ['with a status of no meaning', { status: 418 }],
  ] satisfies readonly (readonly [string, Reply])[])('fail by an answer %s', async (_, reply) => {
    await using hook = await startHook(() => reply);
    await using auth = await startAuth(database, {
      hooks: { customAccessToken: { uri: hook.uri, secrets: [secret] } },
    });
    const { status, body } = await auth.call('POST', '/signup', { body: { email: freshEmail(), password } });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(['unexpected_failure', 'hook_payload_invalid_content_type', 'hook_payload_over_size_limit']).toContain(
      body.error_code,
    );
  });

  test('refuse with their own status and words', async () => {
    await using hook = await startHook(() => ({ body: { error: { http_code: 403, message: 'Not from there' } } }));
    await using auth = await startAuth(database, {
      hooks: { beforeUserCreated: { uri: hook.uri, secrets: [secret] } },
    });
    const email = freshEmail();
    const { error } = await auth.client().signUp({ email, password });
    expect(error).toMatchObject({ status: 403, message: 'Not from there' });
    expect(hook.received[0]?.body).toMatchObject({
      metadata: { name: 'before-user-created', ip_address: '127.0.0.1' },
      user: { email },
    });
    expect(await database.sql('SELECT FROM auth.users WHERE email = $1', email)).toHaveLength(0);
  });

  test('are asked again where they say that they are busy', async () => {
    await using hook = await startHook((_, count) =>
      count < 3 ? { status: 503, headers: { 'retry-after': '1', 'content-type': 'application/json' } } : { body: {} },
    );
    await using auth = await startAuth(database, { hooks: { afterUserCreated: { uri: hook.uri, secrets: [secret] } } });
    expect((await auth.client().signUp({ email: freshEmail(), password })).error).toBeNull();
    expect(hook.received).toHaveLength(3);
  });

  test('that never answer are given up', async () => {
    await using hook = await startHook(() => 'silence');
    await using auth = await startAuth(database, {
      hooks: { beforeUserCreated: { uri: hook.uri, secrets: [secret] } },
    });
    const { error } = await auth.client().signUp({ email: freshEmail(), password });
    expect(error).toMatchObject({ status: 422, code: 'hook_timeout' });
  });

  test('send mails, with both codes of a change', async () => {
    await using hook = await startHook(() => ({ body: {} }));
    await using auth = await startAuth(database, {
      email: { autoconfirm: false },
      hooks: { sendEmail: { uri: hook.uri, secrets: [secret] } },
    });
    const email = freshEmail();
    const client = auth.client();
    await client.signUp({ email, password });
    const { user, email_data: data } = mailOf(hook.received[0]);
    expect(user).toMatchObject({ email });
    expect(data).toMatchObject({
      email_action_type: 'signup',
      token: expect.stringMatching(/^\d{6}$/),
      site_url: 'http://127.0.0.1:8000/auth/v1',
    });
    expect(await auth.mails(email)).toHaveLength(0);
    expect((await client.verifyOtp({ email, token: data.token ?? '', type: 'signup' })).error).toBeNull();
    const next = freshEmail();
    await client.updateUser({ email: next });
    const change = mailOf(hook.received[1]).email_data;
    expect(change.email_action_type).toBe('email_change');
    // Crossed, as GoTrue has it: `token` is the current address', and its hash is token_hash_new.
    const half = await auth.call('POST', '/verify', { body: { type: 'email_change', email, token: change.token } });
    expect(half.body.code).toBe('200');
    expect(
      (await auth.client().verifyOtp({ type: 'email_change', email: next, token: change.token_new ?? '' })).error,
    ).toBeNull();
  });

  test('judge attempts to sign in', async () => {
    await using hook = await startHook(({ body }) => ({
      body:
        body.valid === true
          ? { decision: 'continue' }
          : { decision: 'reject', message: 'Enough', should_logout_user: true },
    }));
    await using auth = await startAuth(database, {
      hooks: { passwordVerificationAttempt: { uri: hook.uri, secrets: [secret] } },
    });
    const email = freshEmail();
    const client = auth.client();
    await client.signUp({ email, password });
    expect((await auth.client().signInWithPassword({ email, password })).error).toBeNull();
    const { error } = await auth.client().signInWithPassword({ email, password: 'wrong' });
    expect(error).toMatchObject({ status: 400, message: 'Enough' });
    expect((await client.getUser()).error?.name).toBe('AuthSessionMissingError');
  });

  test.each(['hcaptcha', 'turnstile'] as const)('of captchas: %s', async (provider) => {
    await using hook = await startHook(({ body }) => ({
      body: { success: body.response === 'a person', 'error-codes': ['bad'] },
    }));
    await using auth = await startAuth(database, {
      captcha: { enabled: true, provider, secret: 'mine', url: hook.uri },
    });
    const email = freshEmail();
    const none = await auth.client().signUp({ email, password });
    expect(none.error).toMatchObject({ status: 400, code: 'captcha_failed' });
    expect(hook.received).toHaveLength(0);
    const robot = await auth.client().signUp({ email, password, options: { captchaToken: 'a robot' } });
    expect(robot.error).toMatchObject({ status: 400, code: 'captcha_failed' });
    const client = auth.client();
    expect((await client.signUp({ email, password, options: { captchaToken: 'a person' } })).error).toBeNull();
    expect(hook.received[1]?.body).toMatchObject({ secret: 'mine', response: 'a person', remoteip: '127.0.0.1' });
    expect((await client.refreshSession()).error).toBeNull();
  });

  test('that know leaked passwords', async () => {
    const sha1 = createHash('sha1').update(password).digest('hex').toUpperCase();
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(request.url ?? '');
      response.end(request.url === `/range/${sha1.slice(0, 5)}` ? `0000:3\r\n${sha1.slice(5)}:42\r\n` : 'ABC:1\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const { port } = server.address() as AddressInfo;
    const leaked = { enabled: true, url: `http://127.0.0.1:${port}` };
    await using auth = await startAuth(database, { password: { leaked } });
    const { error } = await auth.client().signUp({ email: freshEmail(), password });
    expect(error).toMatchObject({ code: 'weak_password', reasons: ['pwned'] });
    expect((await auth.client().signUp({ email: freshEmail(), password: 'nobody has this one' })).error).toBeNull();
    expect(seen[0]).toBe(`/range/${sha1.slice(0, 5)}`);
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    expect((await auth.client().signUp({ email: freshEmail(), password })).error).toBeNull();
    await using closed = await startAuth(database, { password: { leaked: { ...leaked, failClosed: true } } });
    expect((await closed.client().signUp({ email: freshEmail(), password })).error?.status).toBe(500);
  });
});

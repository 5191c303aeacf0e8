import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, startAuth, type TestAuth, type TestDatabase } from './harness.js';
import { begin, fragment, type OAuthWorld, returnTo, startOAuthWorld } from './oauth-world.js';
import { clientId, clientSecret, type OidcServer } from './oidc-server.js';

describe.skipIf(postgresBin === undefined)('whose account somebody from a provider gets', () => {
  let world: OAuthWorld;
  let database: TestDatabase;
  let oidc: OidcServer;
  let auth: TestAuth;
  let strict: TestAuth;

  beforeAll(async () => {
    world = await startOAuthWorld();
    ({ database, oidc, auth, strict } = world);
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  test('a verified address links to the account that has it', async () => {
    const email = freshEmail();
    const { data } = await auth.client().signUp({ email, password: 'correct horse' });
    world.newPerson(email.toUpperCase());
    const end = await world.walk(auth, await begin(auth, 'provider=acme'));
    const linked = await auth.client().getUser(fragment(end).get('access_token') ?? '');
    expect(linked.data.user?.id).toBe(data.user?.id);
    expect(linked.data.user?.app_metadata.providers).toEqual(['email', 'acme']);
    const signedIn = await auth.client().signInWithPassword({ email, password: 'correct horse' });
    expect(signedIn.error).toBeNull();
  });

  test('an address that is not verified opens no other account', async () => {
    const email = freshEmail();
    const { data } = await auth.client().signUp({ email, password: 'correct horse' });
    world.newPerson(email, false);
    const end = await world.walk(auth, await begin(auth, 'provider=acme'));
    const other = await auth.client().getUser(fragment(end).get('access_token') ?? '');
    expect(other.data.user?.id).not.toBe(data.user?.id);
    expect(other.data.user?.email).toBe('');
  });

  test('who registered an address before its owner loses what was prepared', async () => {
    const email = freshEmail();
    const squatter = await strict
      .client()
      .signUp({ email, password: 'of the squatter', options: { data: { evil: true } } });
    world.newPerson(email);
    const end = await world.walk(strict, await begin(strict, 'provider=acme'));
    const { data } = await strict.client().getUser(fragment(end).get('access_token') ?? '');
    expect(data.user?.id).toBe(squatter.data.user?.id);
    expect(data.user?.identities?.map(({ provider }) => provider)).toEqual(['acme']);
    expect(data.user?.user_metadata.evil).toBeUndefined();
    const { error } = await strict.client().signInWithPassword({ email, password: 'of the squatter' });
    expect(error).toMatchObject({ code: 'invalid_credentials' });
  });

  test('without a verified address a mail must be answered first', async () => {
    const email = freshEmail();
    world.newPerson(email, false);
    const end = await world.walk(strict, await begin(strict, 'provider=acme'));
    expect(Object.fromEntries(end.searchParams)).toMatchObject({
      error: 'access_denied',
      error_code: 'provider_email_needs_verification',
    });
    const [mail] = await strict.mails(email);
    expect(mail?.link).toContain('/verify?');
    const link = new URL(mail?.link ?? '');
    const confirmed = await strict.call('GET', `/verify${link.search}`);
    expect(confirmed.headers.get('location')).toContain('access_token=');
    const next = await world.walk(strict, await begin(strict, 'provider=acme'));
    expect(fragment(next).get('access_token')).toBeTypeOf('string');
  });

  test('banned users, closed sign-up, no address at all', async () => {
    const person = world.newPerson();
    await world.walk(auth, await begin(auth, 'provider=acme'));
    await database.sql(`UPDATE auth.users SET banned_until = now() + interval '1 day' WHERE email = $1`, person.email);
    const banned = await world.walk(auth, await begin(auth, 'provider=acme'));
    expect(Object.fromEntries(banned.searchParams)).toMatchObject({
      error: 'access_denied',
      error_code: 'user_banned',
    });
    const provider = { clientIds: [clientId], secret: clientSecret, url: oidc.issuer };
    const closed = await startAuth(database, { signup: { disabled: true }, providers: { acme: provider } });
    const lenient = await startAuth(database, { providers: { acme: { ...provider, emailOptional: true } } });
    try {
      world.newPerson();
      const refused = await world.walk(closed, await begin(closed, 'provider=acme'));
      expect(refused.searchParams.get('error_code')).toBe('signup_disabled');
      oidc.person = { sub: 'without address' };
      const nameless = await world.walk(auth, await begin(auth, 'provider=acme'));
      expect(nameless.searchParams.get('error')).toBe('server_error');
      const accepted = await world.walk(lenient, await begin(lenient, 'provider=acme'));
      expect(fragment(accepted).get('access_token')).toBeTypeOf('string');
    } finally {
      await closed[Symbol.asyncDispose]();
      await lenient[Symbol.asyncDispose]();
    }
  });

  test('five first sign-ins of one person at once make one user', async () => {
    const person = world.newPerson();
    const urls = await Promise.all(Array.from({ length: 5 }, async () => await begin(auth, 'provider=acme')));
    const backs = await Promise.all(urls.map(async (url) => await oidc.signIn(url)));
    const ends = await Promise.all(backs.map(async (back) => await returnTo(auth, back.search)));
    expect(ends.filter((end) => fragment(end).has('access_token'))).toHaveLength(5);
    expect(await database.sql('SELECT id FROM auth.users WHERE email = $1', person.email)).toHaveLength(1);
  });

  test('invitations are accepted by the invited alone', async () => {
    const email = freshEmail();
    const admin = await strict.admin();
    const { data, error } = await admin.admin.generateLink({ type: 'invite', email });
    expect(error).toBeNull();
    const token = data.properties?.hashed_token ?? '';
    world.newPerson();
    const wrong = await world.walk(strict, await begin(strict, `provider=acme&invite_token=${token}`));
    expect(wrong.searchParams.get('error_code')).toBe('validation_failed');
    world.newPerson(email, false);
    const claimed = await world.walk(strict, await begin(strict, `provider=acme&invite_token=${token}`));
    expect(claimed.searchParams.get('error_code')).toBe('validation_failed');
    world.newPerson(email);
    const right = await world.walk(strict, await begin(strict, `provider=acme&invite_token=${token}`));
    const { data: user } = await strict.client().getUser(fragment(right).get('access_token') ?? '');
    expect(user.user).toMatchObject({ id: data.user?.id, email });
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshEmail, postgresBin, type TestAuth } from './harness.js';
import { fragment, type OAuthWorld, startOAuthWorld } from './oauth-world.js';

describe.skipIf(postgresBin === undefined)('identities of one user', () => {
  let world: OAuthWorld;
  let auth: TestAuth;
  let strict: TestAuth;

  beforeAll(async () => {
    world = await startOAuthWorld();
    ({ auth, strict } = world);
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  test('identities are linked and unlinked by their user', async () => {
    const client = auth.client();
    const email = freshEmail();
    await client.signUp({ email, password: 'correct horse' });
    const person = world.newPerson();
    const { data, error } = await client.linkIdentity({ provider: 'google', options: { skipBrowserRedirect: true } });
    expect(error).toBeNull();
    const end = await world.walk(auth, data?.url ?? '');
    expect(fragment(end).get('access_token')).toBeTypeOf('string');
    const { data: identities } = await client.getUserIdentities();
    expect(identities?.identities.map(({ provider }) => provider).sort()).toEqual(['email', 'google']);
    const { data: user } = await client.getUser();
    expect(user.user).toMatchObject({ email, app_metadata: { providers: ['email', 'google'] } });

    const twice = await client.linkIdentity({ provider: 'google', options: { skipBrowserRedirect: true } });
    const again = await world.walk(auth, twice.data?.url ?? '');
    expect(again.searchParams.get('error_code')).toBe('identity_already_exists');
    const stranger = auth.client();
    await stranger.signUp({ email: freshEmail(), password: 'correct horse' });
    const stolen = await stranger.linkIdentity({ provider: 'google', options: { skipBrowserRedirect: true } });
    expect((await world.walk(auth, stolen.data?.url ?? '')).searchParams.get('error_description')).toContain(
      'another user',
    );

    const google = identities?.identities.find(({ provider }) => provider === 'google');
    const emailIdentity = identities?.identities.find(({ provider }) => provider === 'email');
    if (google === undefined || emailIdentity === undefined) throw new Error('identities are missing');
    expect((await stranger.unlinkIdentity(google)).error).toMatchObject({ code: 'single_identity_not_deletable' });
    const unknown = { ...google, identity_id: crypto.randomUUID() };
    expect((await client.unlinkIdentity(unknown)).error).toMatchObject({ code: 'identity_not_found' });
    expect((await client.unlinkIdentity(emailIdentity)).error).toBeNull();
    expect((await client.getUser()).data.user).toMatchObject({
      email: person.email,
      app_metadata: { providers: ['google'] },
    });
    expect((await client.unlinkIdentity(google)).error).toMatchObject({ code: 'single_identity_not_deletable' });
  });

  test('an anonymous user becomes a permanent one by linking', async () => {
    const client = auth.client();
    const { data: anonymous } = await client.signInAnonymously();
    const person = world.newPerson();
    const { data } = await client.linkIdentity({
      provider: 'acme' as 'google',
      options: { skipBrowserRedirect: true },
    });
    const end = await world.walk(auth, data?.url ?? '');
    const { data: user } = await auth.client().getUser(fragment(end).get('access_token') ?? '');
    expect(user.user).toMatchObject({ id: anonymous.user?.id, email: person.email, is_anonymous: false });
  });

  test('linking is off unless it is allowed, and needs a session', async () => {
    const client = strict.client();
    await strict
      .admin()
      .then((admin) =>
        admin.admin.createUser({ email: 'linker@example.com', password: 'correct horse', email_confirm: true }),
      );
    await client.signInWithPassword({ email: 'linker@example.com', password: 'correct horse' });
    const { error } = await client.linkIdentity({ provider: 'google', options: { skipBrowserRedirect: true } });
    expect(error).toMatchObject({ code: 'manual_linking_disabled', status: 404 });
    expect((await auth.call('GET', '/user/identities/authorize?provider=acme')).status).toBe(401);
    expect((await auth.call('DELETE', `/user/identities/${crypto.randomUUID()}`)).status).toBe(401);
  });
});

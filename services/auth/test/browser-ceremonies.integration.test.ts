import { AuthClient } from '@supabase/auth-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inBrowser } from './browser.js';
import { freshEmail, postgresBin, startAuth, startDatabase, type TestAuth, type TestDatabase } from './harness.js';
import { SoftwareAuthenticator } from './software-authenticator.js';

const password = 'correct horse';

/** What auth-js does as a whole in a browser, rather than step by step. */
describe.skipIf(postgresBin === undefined)('ceremonies of the official client', () => {
  let database: TestDatabase;
  let auth: TestAuth;

  beforeAll(async () => {
    database = await startDatabase();
    auth = await startAuth(database, {
      passkeys: { enabled: true },
      mfa: { webauthn: { enroll: true, verify: true } },
    });
  });
  afterAll(async () => {
    await auth?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const newClient = (headers: Readonly<Record<string, string>> = {}) => {
    const stored = new Map<string, string>();
    return new AuthClient({
      url: auth.url,
      headers: { ...headers },
      autoRefreshToken: false,
      detectSessionInUrl: false,
      storage: {
        getItem: (key: string) => stored.get(key) ?? null,
        setItem: (key: string, value: string) => void stored.set(key, value),
        removeItem: (key: string) => void stored.delete(key),
      },
      experimental: { passkey: true },
    });
  };

  test('a passkey is registered, signs in, and is taken away by an administrator', async () => {
    const [client, other] = [newClient(), newClient()];
    const authenticator = new SoftwareAuthenticator();
    const { data: signed } = await client.signUp({ email: freshEmail(), password });
    const made = await inBrowser(authenticator, async () => await client.registerPasskey());
    expect(made.error).toBeNull();
    const entered = await inBrowser(authenticator, async () => await other.signInWithPasskey());
    expect(entered.error).toBeNull();
    expect(entered.data?.user?.id).toBe(signed.user?.id);

    const userId = signed.user?.id ?? '';
    const admin = newClient({ Authorization: `Bearer ${await auth.token('service_role')}` });
    const { data: listed } = await admin.admin.passkey.listPasskeys({ userId });
    expect(listed).toMatchObject([{ id: made.data?.id }]);
    expect((await admin.admin.passkey.deletePasskey({ userId, passkeyId: made.data?.id ?? '' })).error).toBeNull();
    expect((await admin.admin.passkey.listPasskeys({ userId })).data).toEqual([]);
    const again = await inBrowser(authenticator, async () => await newClient().signInWithPasskey());
    expect(again.error).not.toBeNull();
  });

  test('a security key is a second factor', async () => {
    const client = newClient();
    const authenticator = new SoftwareAuthenticator();
    await client.signUp({ email: freshEmail(), password });
    const made = await inBrowser(
      authenticator,
      async () => await client.mfa.webauthn.register({ friendlyName: 'key', webauthn: {} as never }),
    );
    expect(made.error).toBeNull();
    expect((await client.mfa.getAuthenticatorAssuranceLevel()).data).toMatchObject({ currentLevel: 'aal2' });
    const { data: factors } = await client.mfa.listFactors();
    const factorId = factors?.webauthn[0]?.id ?? '';
    const { data: user } = await client.getUser();
    const fresh = newClient();
    await fresh.signInWithPassword({ email: user.user?.email ?? '', password });
    expect((await fresh.mfa.getAuthenticatorAssuranceLevel()).data).toMatchObject({
      currentLevel: 'aal1',
      nextLevel: 'aal2',
    });
    const proved = await inBrowser(
      authenticator,
      async () => await fresh.mfa.webauthn.authenticate({ factorId, webauthn: {} as never }),
    );
    expect(proved.error).toBeNull();
    expect((await fresh.mfa.getAuthenticatorAssuranceLevel()).data).toMatchObject({ currentLevel: 'aal2' });
  });

  test('listeners hear of every step of a session', async () => {
    const client = newClient();
    const events: string[] = [];
    const { data } = client.onAuthStateChange((event) => void events.push(event));
    await client.signUp({ email: freshEmail(), password });
    await client.updateUser({ data: { name: 'Ada' } });
    await client.refreshSession();
    await client.signOut();
    data.subscription.unsubscribe();
    await client.signUp({ email: freshEmail(), password });
    expect(events.filter((event) => event !== 'INITIAL_SESSION')).toEqual([
      'SIGNED_IN',
      'USER_UPDATED',
      'TOKEN_REFRESHED',
      'SIGNED_OUT',
    ]);
  });
});

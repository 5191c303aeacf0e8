import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { extraParameters, joinScopes } from '../src/providers/external-provider.js';
import { discordUser } from '../src/providers/profiles/discord.js';
import { facebookUser } from '../src/providers/profiles/facebook.js';
import { githubUser } from '../src/providers/profiles/github.js';
import { gitlabUser } from '../src/providers/profiles/gitlab.js';
import { userOfClaims, withAppleName } from '../src/providers/profiles/id-token.js';
import { twitchUser } from '../src/providers/profiles/twitch.js';
import { identityData } from '../src/providers/provider-user.js';

describe('what providers say of a person', () => {
  test('GitHub: without the list of addresses, the profile’s own is not verified', () => {
    const user = githubUser({ id: 1, login: 'ada', email: 'ada@example.com' }, [], 'https://api.github.com');
    expect(user.emails).toEqual([{ email: 'ada@example.com', verified: false, primary: true }]);
    expect(identityData(user)).toEqual({
      iss: 'https://api.github.com',
      sub: '1',
      email: 'ada@example.com',
      email_verified: false,
      phone_verified: false,
      preferred_username: 'ada',
      user_name: 'ada',
      provider_id: '1',
    });
  });

  test('GitLab: an address counts from its confirmation on', () => {
    const profile = { id: 5, email: 'a@example.com', name: 'A', confirmed_at: '2026-01-01T00:00:00Z' };
    const user = gitlabUser(
      profile,
      [{ email: 'b@example.com', confirmed_at: null }, { email: 'a@example.com' }],
      'https://gitlab.com',
    );
    expect(user.emails).toEqual([
      { email: 'a@example.com', verified: true, primary: true },
      { email: 'b@example.com', verified: false, primary: false },
    ]);
  });

  test('Discord: pictures by hash, or one of five', () => {
    const base = {
      id: '80351110224678912',
      username: 'nelly',
      discriminator: '1337',
      email: 'n@example.com',
      verified: true,
    };
    expect(discordUser({ ...base, avatar: 'a_hash' }, 'x').claims.picture).toBe(
      'https://cdn.discordapp.com/avatars/80351110224678912/a_hash.gif',
    );
    expect(discordUser(base, 'x').claims.picture).toBe('https://cdn.discordapp.com/embed/avatars/2.png');
    expect(discordUser({ ...base, global_name: 'Nelly' }, 'x').claims).toMatchObject({
      name: 'nelly#1337',
      custom_claims: { global_name: 'Nelly' },
    });
    expect(discordUser({ ...base, verified: 'no' }, 'x').emails[0]?.verified).toBe(false);
  });

  test('Facebook and Twitch', () => {
    const facebook = facebookUser(
      {
        id: '7',
        email: 'f@example.com',
        first_name: 'F',
        last_name: 'B',
        picture: { data: { url: 'https://p.example' } },
      },
      'https://graph.facebook.com',
    );
    expect(facebook.claims).toMatchObject({ sub: '7', name: 'F B', picture: 'https://p.example' });
    const twitch = twitchUser(
      { data: [{ id: '9', login: 't', display_name: 'T', email: 't@example.com' }] },
      'https://api.twitch.tv',
    );
    expect(twitch).toMatchObject({
      emails: [{ email: 't@example.com', verified: true }],
      claims: { sub: '9', nickname: 'T' },
    });
  });

  test('Google, LinkedIn and Slack: whether the address is verified is written in several ways', () => {
    const claims = { iss: 'https://accounts.google.com', sub: '1', email: 'g@example.com', hd: 'example.com' };
    for (const [value, verified] of [
      [true, true],
      ['true', true],
      ['1', true],
      [false, false],
      ['false', false],
      [undefined, false],
    ] as const) {
      for (const provider of ['google', 'linkedin_oidc', 'slack_oidc', 'acme']) {
        expect(userOfClaims(provider, { ...claims, email_verified: value }).emails[0]?.verified).toBe(verified);
      }
    }
    expect(userOfClaims('google', claims).claims.custom_claims).toEqual({ hd: 'example.com' });
  });

  test('Azure: xms_edov decides where it is there', () => {
    const claims = {
      iss: 'https://login.microsoftonline.com/t/v2.0',
      sub: '1',
      email: 'a@example.com',
      tid: 't',
      nonce: 'n',
    };
    expect(userOfClaims('azure', claims).emails[0]?.verified).toBe(true);
    expect(userOfClaims('azure', { ...claims, xms_edov: '1' }).emails[0]?.verified).toBe(true);
    expect(userOfClaims('azure', { ...claims, xms_edov: false }).emails[0]?.verified).toBe(false);
    expect(userOfClaims('azure', claims).claims.custom_claims).toEqual({ email: 'a@example.com', tid: 't' });
  });

  test('Apple: the name comes once, in a form field that proves nothing else', () => {
    const user = userOfClaims('apple', {
      iss: 'https://appleid.apple.com',
      sub: '1',
      email: 'x@privaterelay.appleid.com',
      is_private_email: 'true',
    });
    expect(user.claims.custom_claims).toEqual({ is_private_email: true });
    const field = JSON.stringify({ name: { firstName: 'Ada', lastName: 'L' }, email: 'evil@example.com' });
    expect(withAppleName(user, field).claims).toMatchObject({ full_name: 'Ada L' });
    expect(withAppleName(user, field).emails).toEqual(user.emails);
    expect(withAppleName(user, 'no json')).toBe(user);
  });

  test('whatever a provider answers, no reading fails, and what is stored is bounded', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (first, second) => {
        const [a, b] = [JSON.parse(first), JSON.parse(second)] as unknown[];
        const users = [
          githubUser(a, b, 'x'),
          gitlabUser(a, b, 'x'),
          discordUser(a, 'x'),
          facebookUser(a, 'x'),
          twitchUser(a, 'x'),
          ...['google', 'apple', 'azure', 'facebook', 'linkedin_oidc', 'slack_oidc', 'acme'].map((name) =>
            userOfClaims(name, typeof a === 'object' && a !== null ? (a as Record<string, unknown>) : {}),
          ),
        ];
        for (const user of users) {
          for (const value of Object.values(identityData(user))) {
            if (typeof value === 'string') expect(value.length).toBeLessThanOrEqual(2048);
          }
        }
      }),
    );
  });
});

test('callers cannot set what is ours, in any spelling', () => {
  expect(
    extraParameters({ prompt: 'login', STATE: 'x', Redirect_Uri: 'x', nonce: 'x', provider: 'x', redirect_to: 'x' }),
  ).toEqual({
    prompt: 'login',
  });
  expect(extraParameters({ list: ['a', 'b'], long: 'x'.repeat(2000) })).toEqual({});
  expect(joinScopes(['openid'], ['email', 'openid', 'bad"scope'])).toBe('openid email');
});

import { listOf, oneEmail, type ProviderUser, recordOf, textOf } from '../provider-user.js';

/** GET /api/v4/user and /api/v4/user/emails; an address counts as verified from its confirmed_at on. */
export function gitlabUser(profile: unknown, emails: unknown, baseUrl: string): ProviderUser {
  const user = recordOf(profile);
  const id = textOf(user, 'id');
  const primary = textOf(user, 'email');
  const further = listOf(emails)
    .map(recordOf)
    .map((entry) => ({
      email: textOf(entry, 'email'),
      verified: textOf(entry, 'confirmed_at') !== '',
      primary: false,
    }))
    .filter(({ email }) => email !== '' && email !== primary);
  return {
    emails: [...oneEmail(primary, textOf(user, 'confirmed_at') !== ''), ...further],
    claims: {
      iss: baseUrl,
      sub: id,
      name: textOf(user, 'name'),
      picture: textOf(user, 'avatar_url'),
      avatar_url: textOf(user, 'avatar_url'),
      full_name: textOf(user, 'name'),
      provider_id: id,
      user_name: textOf(user, 'username'),
    },
  };
}

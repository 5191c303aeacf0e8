import { listOf, oneEmail, type ProviderUser, recordOf, textOf, truthOf } from '../provider-user.js';

/** GET /user and GET /user/emails of GitHub's REST API. The profile's own address says nothing of whether it is verified. */
export function githubUser(profile: unknown, emails: unknown, apiUrl: string): ProviderUser {
  const user = recordOf(profile);
  const id = textOf(user, 'id');
  const known = listOf(emails)
    .map(recordOf)
    .map((entry) => ({
      email: textOf(entry, 'email'),
      verified: truthOf(entry.verified),
      primary: truthOf(entry.primary),
    }))
    .filter(({ email }) => email !== '');
  return {
    emails: known.length > 0 ? known : oneEmail(textOf(user, 'email'), false),
    claims: {
      iss: apiUrl,
      sub: id,
      name: textOf(user, 'name'),
      preferred_username: textOf(user, 'login'),
      avatar_url: textOf(user, 'avatar_url'),
      full_name: textOf(user, 'name'),
      provider_id: id,
      user_name: textOf(user, 'login'),
    },
  };
}

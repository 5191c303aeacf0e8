import { oneEmail, type ProviderUser, recordOf, textOf } from '../provider-user.js';

/** GET /me of the Graph API with the fields below. Facebook gives out verified addresses only. */
export const facebookFields = 'email,first_name,last_name,name,picture';

export function facebookUser(profile: unknown, graphUrl: string): ProviderUser {
  const user = recordOf(profile);
  const id = textOf(user, 'id');
  const picture = textOf(recordOf(recordOf(user.picture).data), 'url');
  const name = `${textOf(user, 'first_name')} ${textOf(user, 'last_name')}`.trim();
  return {
    emails: oneEmail(textOf(user, 'email'), true),
    claims: {
      iss: graphUrl,
      sub: id,
      name,
      nickname: textOf(user, 'name'),
      picture,
      avatar_url: picture,
      full_name: name,
      slug: textOf(user, 'name'),
      provider_id: id,
    },
  };
}

import { listOf, oneEmail, type ProviderUser, recordOf, textOf } from '../provider-user.js';

/** GET /helix/users: the first of its data. Twitch gives the address to applications only once it is verified. */
export function twitchUser(answer: unknown, apiUrl: string): ProviderUser {
  const user = recordOf(listOf(recordOf(answer).data)[0]);
  const id = textOf(user, 'id');
  const picture = textOf(user, 'profile_image_url');
  return {
    emails: oneEmail(textOf(user, 'email'), true),
    claims: {
      iss: apiUrl,
      sub: id,
      name: textOf(user, 'login'),
      nickname: textOf(user, 'display_name'),
      picture,
      avatar_url: picture,
      full_name: textOf(user, 'login'),
      slug: textOf(user, 'display_name'),
      provider_id: id,
      custom_claims: {
        broadcaster_type: textOf(user, 'broadcaster_type'),
        description: textOf(user, 'description'),
        type: textOf(user, 'type'),
        offline_image_url: textOf(user, 'offline_image_url'),
        view_count: user.view_count ?? 0,
      },
    },
  };
}
